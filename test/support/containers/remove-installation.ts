// Removes all that an installation has in an engine, for a test that is ended in the middle: node remove-installation.ts SOCKET ID
import { connectDocker } from './find-docker.ts';
import { removeInstallation } from './installation.ts';

const [socket = '', installation = ''] = process.argv.slice(2);
await removeInstallation(connectDocker(`unix://${socket}`, {}), installation);
