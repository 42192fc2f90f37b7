/**
 * The floors of the program (ARCHITECTURE.md): what a folder under src/ may import. An import is resolved to the
 * file it names, so no spelling of the path gets round it, and types count like values.
 */
import path from 'node:path';
import { builtinModules } from 'node:module';

/**
 * hardware's tables of formats, registers and exit reasons, the one decoder of entries, and nothing else of it: what
 * the language needs to know names and bits by, without a machine.
 */
const hardwareTables = [
  'hardware/paging/accessKinds',
  'hardware/paging/addressParts',
  'hardware/paging/compiledFormat',
  'hardware/paging/decodeEntry',
  'hardware/processor/controlRegisters',
  'hardware/state/counters',
  'hardware/events/eventTable',
  'hardware/vmx/exitQualification',
  'hardware/vmx/exitReasons',
  'hardware/events/flushCauses',
  'hardware/paging/formats/*',
  'hardware/paging/pageFaultErrorCode',
  'hardware/paging/pagingFormat',
  'hardware/memory/readModifyWrite',
  'hardware/processor/registers',
  'hardware/segments/segmentRegisters',
  'hardware/vmx/vmcs',
];

/** The two doors of the adapter that the extension opens: a session to host inline, and diagnostics. */
const adapterEntries = ['adapter/inline', 'adapter/diagnostics'];

/** What the language server shares with the adapter: how files are named, found and read. */
const adapterFiles = ['adapter/client', 'adapter/fileAccess', 'adapter/importPaths', 'adapter/nodeFiles'];

/**
 * Folder: the folders or files under src/ that it may import besides itself, the npm packages, and whether it
 * may use Node. `NAME/*` is everything in a folder.
 */
export const layers = {
  hardware: { imports: [], packages: [] },
  protocol: { imports: [], packages: [] },
  language: {
    imports: [...hardwareTables, 'protocol/*'],
    packages: ['langium', 'chevrotain', 'vscode-languageserver'],
  },
  hypervisor: { imports: ['hardware/*', 'protocol/*'], packages: [] },
  engine: { imports: ['hardware/*', 'protocol/*', 'language/*', 'hypervisor/*'], packages: [] },
  inspect: { imports: ['hardware/*', 'protocol/*', 'language/*', 'hypervisor/*', 'engine/*'], packages: [] },
  adapter: {
    imports: ['hardware/*', 'protocol/*', 'language/*', 'hypervisor/*', 'engine/*', 'inspect/*'],
    packages: ['@vscode/debugadapter', '@vscode/debugprotocol', 'chalk', 'vscode-languageserver'],
    node: 'allowed',
  },
  lsp: {
    imports: ['hardware/*', 'protocol/*', 'language/*', 'hypervisor/*', 'engine/*', 'inspect/*', ...adapterFiles],
    packages: ['vscode-languageserver', 'vscode-languageserver-textdocument'],
    node: 'allowed',
  },
  cli: {
    imports: ['hardware/*', 'protocol/*', 'language/*', 'hypervisor/*', 'engine/*', 'inspect/*', 'adapter/*', 'lsp/*'],
    packages: ['commander', '@observablehq/plot', '@xmldom/xmldom'],
    node: 'allowed',
  },
  // The panel's page runs in a browser of its own and hears of the machine by messages alone.
  webview: { imports: ['protocol/*'], packages: ['lit'] },
  // The extension knows the machine by DAP alone, as any other editor would: whatever a view needs is a request,
  // which then serves every client. Hosting adapter and language server inline needs their entries and no more.
  extension: {
    imports: ['protocol/*', ...adapterEntries, 'lsp/inline'],
    packages: ['vscode', '@vscode/debugprotocol', 'vscode-languageclient'],
    node: 'allowed',
  },
};

/**
 * The rooms of engine/, the ground below them being the files at its root: each takes values from those before it. Types go both
 * ways, since a room below may say whom it calls.
 */
const engineRooms = ['costs', 'host', 'questions', 'straight', 'schedule', 'interpreter', 'edits', 'settings', 'breakpoints', 'machine', 'run', 'time'];

const builtins = new Set(builtinModules);

/** Why a file may not import `specifier`, or undefined when it may. `file` is relative to src/. */
export function refusal(file, specifier) {
  const [folder] = file.split('/');
  const layer = layers[folder];
  if (layer === undefined) return undefined;
  if (specifier.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(file), specifier);
    if (target.startsWith('..')) return `${folder}/ imports nothing outside src/`;
    if (target === folder || target.startsWith(`${folder}/`)) return undefined;
    if (layer.imports.some((allowed) => covers(allowed, target))) return undefined;
    return `${folder}/ may import ${list(layer.imports)} of src/ only`;
  }
  if (specifier.startsWith('node:') || builtins.has(specifier.split('/')[0])) {
    return layer.node === 'allowed' ? undefined : `${folder}/ runs where there is no Node`;
  }
  if (layer.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return undefined;
  return `${folder}/ may use ${list(layer.packages)} of npm's packages only`;
}

/** The same for a value that one room of engine/ takes from another. */
export function roomRefusal(file, specifier) {
  if (!file.startsWith('engine/') || !specifier.startsWith('.')) return undefined;
  const target = path.posix.join(path.posix.dirname(file), specifier);
  const [from, to] = [roomOf(file), roomOf(target)];
  if (!target.startsWith('engine/') || from === to) return undefined;
  const allowed = engineRooms.slice(0, Math.max(0, engineRooms.indexOf(from)));
  return to === '' || allowed.includes(to) ? undefined : `engine/${from} may take values of engine/ from its root, ${list(allowed)} only`;
}

function roomOf(file) {
  const [, room, ...inside] = file.split('/');
  return inside.length === 0 ? '' : room;
}

/** Whether an import leaves nothing behind in JavaScript. */
function isOfTypes({ importKind, specifiers = [] }) {
  return importKind === 'type' || (specifiers.length > 0 && specifiers.every((each) => each.importKind === 'type'));
}

function covers(allowed, target) {
  if (!allowed.endsWith('/*')) return target === allowed;
  const folder = allowed.slice(0, -2);
  return target === folder || target.startsWith(`${folder}/`);
}

function list(names) {
  return names.length > 0 ? names.join(', ') : 'nothing';
}

/** The ESLint rule: every way in which TypeScript can name another module is looked at. */
export const layersRule = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { refused: '"{{specifier}}" is out of bounds: {{why}} (see ARCHITECTURE.md, the layers).' },
  },
  create(context) {
    const source = context.filename.replaceAll(path.sep, '/').split('/src/').at(-1);
    const check = (node, isType = false) => {
      if (node?.type !== 'Literal' || typeof node.value !== 'string') return;
      const why = refusal(source, node.value) ?? (isType ? undefined : roomRefusal(source, node.value));
      if (why !== undefined) context.report({ node, messageId: 'refused', data: { specifier: node.value, why } });
    };
    return {
      ImportDeclaration: (node) => check(node.source, isOfTypes(node)),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSExternalModuleReference: (node) => check(node.expression),
      TSImportType: (node) => check(node.source ?? node.argument?.literal, true),
      'CallExpression[callee.name="require"]': (node) => check(node.arguments[0]),
    };
  },
};
