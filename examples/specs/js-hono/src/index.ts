// A page with an asset, a redirect, a cookie and a WebSocket. APP_PATH is where it lies for people; what arrives has no such path.
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { createNodeWebSocket } from '@hono/node-ws';
import { Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';

const { PORT = '3000', APP_PATH = '' } = process.env;
const app = new Hono();
const { injectWebSocket, upgradeWebSocket } = createNodeWebSocket({ app });

app.use('/assets/*', serveStatic({ root: './' }));

app.get('/', (context) =>
  context.html(`<!doctype html><title>Hono</title>
<link rel="stylesheet" href="${APP_PATH}/assets/style.css">
<h1>Hono</h1>
<p id="visits">visits: ${getCookie(context, 'visits') ?? '0'}</p>
<p><a id="visit" href="${APP_PATH}/visit">Visit</a></p>
<p id="echo"></p>
<script>
  const socket = new WebSocket(location.href.replace(/^http/, 'ws').replace(/\\/?$/, '/echo'));
  socket.onopen = () => socket.send('hello');
  socket.onmessage = ({ data }) => { document.getElementById('echo').textContent = data; };
</script>`),
);

app.get('/visit', (context) => {
  const count = Number(getCookie(context, 'visits') ?? '0') + 1;
  setCookie(context, 'visits', String(count), { path: `${APP_PATH}/` });
  return context.redirect(`${APP_PATH}/`, 303);
});

app.get(
  '/echo',
  upgradeWebSocket(() => ({ onMessage: ({ data }, socket) => socket.send(`echo: ${data}`) })),
);

const server = serve({ fetch: app.fetch, port: Number(PORT) });
injectWebSocket(server);
process.on('SIGTERM', () => process.exit(0));
