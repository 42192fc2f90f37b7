/** What @vscode/debugadapter takes of Node's module `url`: a web worker has it as a global. */
const { URL } = globalThis;
export { URL };
