from fasthtml.common import A, H1, Link, P, RedirectResponse, Title, fast_app, serve
from starlette.requests import Request

# Without the scripts that it would load from elsewhere.
app, rt = fast_app(static_path="static", pico=False, default_hdrs=False)


@rt("/")
def get(request: Request):
    # A link that begins with a slash would leave the app's path: "url_path_for" and "url_for" know it.
    return (
        Title("FastHTML"),
        Link(rel="stylesheet", href=f"{request.scope['root_path']}/style.css"),
        H1("FastHTML"),
        P(f"visits: {request.cookies.get('visits', '0')}", id="visits"),
        P(A("Visit", id="visit", href=request.url_for("visit"))),
    )


@rt("/visit", name="visit")
def visit(request: Request):
    answer = RedirectResponse(f"{request.scope['root_path']}/", status_code=303)
    count = int(request.cookies.get("visits", "0")) + 1
    answer.set_cookie("visits", str(count), path=f"{request.scope['root_path']}/")
    return answer


serve()
