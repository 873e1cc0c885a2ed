import reflex as rx


class State(rx.State):
    visits: int = 0

    @rx.event
    def visit(self):
        self.visits += 1


def index() -> rx.Component:
    return rx.container(
        rx.heading("Reflex"),
        rx.text("visits: ", State.visits, id="visits"),
        rx.button("Visit", on_click=State.visit, id="visit"),
        rx.link("Other", href="/other", id="other"),
    )


def other() -> rx.Component:
    return rx.text("other page", id="there")


app = rx.App(stylesheets=["/style.css"])
app.add_page(index, title="Reflex")
app.add_page(other, route="/other")
