/**
 * Importing this takes the classes of Node's WebSocket client off its module `http`. Whoever imports `http` as a module reads every name
 * in it, and these three load all of another HTTP client: more than half of what an empty process takes to start, in each of ours, none of
 * which uses them (as globals they stay). It has to come before anything that imports `http`.
 */
const http: object = process.getBuiltinModule('node:http');
for (const name of ['WebSocket', 'CloseEvent', 'MessageEvent']) Reflect.deleteProperty(http, name);
