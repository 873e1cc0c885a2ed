from nicegui import app, ui

app.add_static_files("/assets", "assets")


@ui.page("/")
def home():
    # Paths that begin with a slash are the browser's own, so what NiceGUI does not write itself stays relative.
    ui.add_head_html('<link rel="stylesheet" href="assets/style.css">')
    ui.html("<h1>NiceGUI</h1>", sanitize=False)
    count = {"visits": 0}
    label = ui.label("visits: 0").props("id=visits")

    def visit():
        count["visits"] += 1
        label.set_text(f"visits: {count['visits']}")

    ui.button("Visit", on_click=visit).props("id=visit")
    ui.link("Other", "/other").props("id=other")


@ui.page("/other")
def other():
    ui.label("other page").props("id=there")


ui.run(host="0.0.0.0", port=8080, reload=False, show=False, title="NiceGUI")
