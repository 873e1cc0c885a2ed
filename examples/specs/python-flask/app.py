from flask import Flask, redirect, request, url_for

app = Flask(__name__)


@app.get("/")
def home():
    return f"""<!doctype html><title>Flask</title>
<link rel="stylesheet" href="{url_for('static', filename='style.css')}">
<h1>Flask</h1>
<p id="visits">visits: {request.cookies.get('visits', '0')}</p>
<p><a id="visit" href="{url_for('visit')}">Visit</a></p>"""


@app.get("/visit")
def visit():
    answer = redirect(url_for("home"))
    count = int(request.cookies.get("visits", "0")) + 1
    answer.set_cookie("visits", str(count), path=request.script_root or "/")
    return answer
