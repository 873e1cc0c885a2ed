import reflex as rx

config = rx.Config(app_name="hello", disable_plugins=["reflex.plugins.sitemap.SitemapPlugin"])
