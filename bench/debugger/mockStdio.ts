import { MockSession } from './mockSession';

new MockSession().start(process.stdin, process.stdout);
