from pathlib import Path

from shiny import App, reactive, render, ui

page = ui.page_fluid(
    ui.tags.link(rel="stylesheet", href="style.css"),
    ui.h1("Shiny"),
    ui.input_action_button("visit", "Visit"),
    ui.output_text("visits"),
)


def server(input, output, session):
    @render.text
    @reactive.event(input.visit, ignore_none=False)
    def visits():
        return f"visits: {input.visit()}"


app = App(page, server, static_assets=Path(__file__).parent / "www")
