from bottle import Bottle, redirect, request, response, static_file

app = Bottle()


def prefix() -> str:
    return request.environ.get("SCRIPT_NAME", "").rstrip("/")


@app.get("/")
def home():
    return f"""<!doctype html><title>WSGI</title>
<link rel="stylesheet" href="{prefix()}/static/style.css">
<h1>WSGI</h1>
<p id="visits">visits: {request.get_cookie('visits') or '0'}</p>
<p><a id="visit" href="{prefix()}/visit">Visit</a></p>"""


@app.get("/visit")
def visit():
    count = int(request.get_cookie("visits") or "0") + 1
    response.set_cookie("visits", str(count), path=f"{prefix()}/")
    redirect(f"{prefix()}/")


@app.get("/static/<name>")
def asset(name):
    return static_file(name, root="static")
