/**
 * All that the extension takes from the floors below: the debug adapter and the language server, hosted in this
 * process, and the diagnostics of a scenario. It is a bundle of its own, loaded at first use, so that activation costs
 * neither the simulator nor the parser.
 */
export { createSession } from '../adapter/inline';
export { diagnoseScenario } from '../adapter/diagnostics';
export { serveLanguageInline } from '../lsp/inline';
