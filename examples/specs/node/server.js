// A page with an asset, a redirect, a cookie and a WebSocket. APP_PATH is where it lies for people; what arrives has no such path.
import express from 'express';
import { WebSocketServer } from 'ws';

const { PORT, APP_PATH = '' } = process.env;
const app = express();

const cookieOf = (request) => Number(/visits=(\d+)/.exec(request.headers.cookie ?? '')?.[1] ?? 0);

app.use('/assets', express.static('public'));

app.get('/', (request, response) => {
  response.send(`<!doctype html><title>Node</title>
<link rel="stylesheet" href="${APP_PATH}/assets/style.css">
<h1>Node</h1>
<p id="visits">visits: ${cookieOf(request)}</p>
<p><a id="visit" href="${APP_PATH}/visit">Visit</a></p>
<p id="echo"></p>
<script>
  const socket = new WebSocket(location.href.replace(/^http/, 'ws').replace(/\\/?$/, '/echo'));
  socket.onopen = () => socket.send('hello');
  socket.onmessage = ({ data }) => { document.getElementById('echo').textContent = data; };
</script>`);
});

app.get('/visit', (request, response) => {
  response.cookie('visits', String(cookieOf(request) + 1), { path: `${APP_PATH}/` });
  response.redirect(`${APP_PATH}/`);
});

const server = app.listen(PORT);
new WebSocketServer({ server, path: '/echo' }).on('connection', (socket) => {
  socket.on('message', (text) => socket.send(`echo: ${text}`));
});
process.on('SIGTERM', () => process.exit(0));
