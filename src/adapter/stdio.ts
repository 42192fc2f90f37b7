import { serveStdio } from './streams';

serveStdio();
