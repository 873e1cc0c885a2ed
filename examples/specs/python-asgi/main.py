from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

app = FastAPI()
app.mount("/static", StaticFiles(directory="static"), name="static")


@app.get("/", response_class=HTMLResponse)
def home(request: Request):
    return f"""<!doctype html><title>ASGI</title>
<link rel="stylesheet" href="{request.url_for('static', path='style.css').path}">
<h1>ASGI</h1>
<p id="visits">visits: {request.cookies.get('visits', '0')}</p>
<p><a id="visit" href="{request.url_for('visit').path}">Visit</a></p>
<p id="echo"></p>
<script>
  const socket = new WebSocket(location.href.replace(/^http/, 'ws').replace(/\\/?$/, '/echo'));
  socket.onopen = () => socket.send('hello');
  socket.onmessage = ({{ data }}) => {{ document.getElementById('echo').textContent = data; }};
</script>"""


@app.get("/visit")
def visit(request: Request):
    answer = RedirectResponse(request.url_for("home").path, status_code=303)
    count = int(request.cookies.get("visits", "0")) + 1
    answer.set_cookie("visits", str(count), path=f"{request.scope['root_path']}/")
    return answer


@app.websocket("/echo")
async def echo(socket: WebSocket):
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(f"echo: {text}")
