import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { breakpointModes } from '../src/adapter/breakpoints/breakpointModes';
import { exceptionFilters } from '../src/adapter/breakpoints/exceptionFilters';
import { consoleCommands } from '../src/adapter/console/commandTable';
import { answeredCommands, requestRow } from '../src/adapter/requestTable';
import { BREAKPOINT_REQUEST } from '../src/protocol/breakpointRequests';
import { EVENT } from '../src/protocol/editEvents';
import { LSP_REQUEST } from '../src/protocol/languageRequests';
import { MOTION_REQUEST } from '../src/protocol/motionRequests';
import { REQUEST } from '../src/protocol/requests';
import { markdownTable } from './markdownTable';

const root = path.join(__dirname, '..');
const messageFiles = ['requests', 'motionRequests', 'breakpointRequests', 'editEvents', 'stoppedEvent'];
/** Interfaces that this page is written from; a reader has them as tables. */
const tabled = ['PagewalkEvents', 'LanguageRequests'];
/** Constants that a message is named by. */
const namesOf: Readonly<Record<string, Readonly<Record<string, string>>>> = { REQUEST, MOTION_REQUEST, BREAKPOINT_REQUEST, EVENT, LSP_REQUEST };

interface LaunchProperty {
  readonly type?: string;
  readonly description: string;
  readonly default?: unknown;
}

/** `docs/protocol.md`: what another editor needs, the tables and messages out of the program's own. */
export function protocolPage(): string {
  const prose = readFileSync(path.join(root, 'scripts/protocolPage.md'), 'utf8');
  return prose.replace(/^<!-- (\w+) -->$/gm, (whole, name: string) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`invariant: scripts/protocolPage.md asks for "${name}"`);
    return `${whole}\n\n${part()}`;
  });
}

/** The parts that the page asks for by name. */
const parts: Readonly<Record<string, () => string>> = {
  launch: () => markdownTable(['attribute', 'type', 'is'], Object.entries(launchProperties()).map(([name, { type, description, default: otherwise }]) => (
    [`\`${name}\``, type ?? 'string', `${description}${typeof otherwise === 'boolean' ? ` Default: \`${String(otherwise)}\`.` : ''}`]
  ))),
  standard: () => markdownTable(['request', 'answered while the session is', 'needs'], answeredCommands.filter((name) => !name.startsWith('pagewalk/')).map(requestLine)),
  own: () => markdownTable(
    ['request', 'answered while the session is', 'arguments', 'answer', 'is'],
    rowsOf('pagewalkRequests', 'PagewalkRequests').map(({ name, parts: { arguments: takes, response }, says }) => [`\`${name}\``, phasesOf(name), code(takes), code(response), says]),
  ),
  events: () => markdownTable(['event', 'body', 'is'], rowsOf('editEvents', 'PagewalkEvents').map(({ name, parts: { body }, says }) => [`\`${name}\``, code(body), says])),
  language: () => markdownTable(
    ['request', 'arguments', 'answer', 'is'],
    rowsOf('languageRequests', 'LanguageRequests').map(({ name, parts: { arguments: takes, response }, says }) => [`\`${name}\``, code(takes), code(response), says]),
  ),
  languageMessages: () => `\`\`\`ts\n${declarations('languageRequests')}\n\`\`\``,
  messages: () => messageFiles.map((name) => `\`\`\`ts\n${declarations(name)}\n\`\`\``).join('\n\n'),
  filters: () => markdownTable(['id', 'stops at', 'example of a condition'], exceptionFilters.map(({ id, description, example }) => [`\`${id}\``, description, `\`${example}\``])),
  modes: () => markdownTable(['mode', 'of', 'is'], breakpointModes.map(({ mode, appliesTo, description }) => [`\`${mode}\``, appliesTo.join(', '), description ?? ''])),
  commands: () => markdownTable(['command', 'does'], consoleCommands.map(({ usage, does }) => [`\`${usage}\``, does])),
};

function launchProperties(): Readonly<Record<string, LaunchProperty>> {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    readonly contributes: { readonly debuggers: readonly { readonly configurationAttributes: { readonly launch: { readonly properties: Readonly<Record<string, LaunchProperty>> } } }[] };
  };
  return manifest.contributes.debuggers[0]?.configurationAttributes.launch.properties ?? {};
}

function requestLine(name: string): readonly string[] {
  const needs = Object.keys(requestRow(name)?.needs ?? {}).filter((need) => !need.includes('[') && !need.endsWith('?'));
  return [`\`${name}\``, phasesOf(name), needs.map((need) => `\`${need}\``).join(', ')];
}

function phasesOf(name: string): string {
  const row = requestRow(name);
  return row === undefined || row.phases.length >= 8 ? 'anything' : row.phases.join(', ');
}

interface MessageRow {
  readonly name: string;
  /** Types of its parts, as they are written. */
  readonly parts: Readonly<Record<string, string>>;
  readonly says: string;
}

/** The rows of an interface that has every message of a kind, by its name. */
function rowsOf(module: string, wanted: string): readonly MessageRow[] {
  const file = parsed(module);
  const found: MessageRow[] = [];
  for (const statement of file.statements) {
    if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== wanted) continue;
    for (const member of statement.members) {
      if (!ts.isPropertySignature(member) || member.type === undefined || !ts.isTypeLiteralNode(member.type)) continue;
      const [table = '', key = ''] = member.name.getText(file).replace(/[[\]]/g, '').split('.');
      const parts = member.type.members.filter(ts.isPropertySignature).map((part) => [part.name.getText(file), part.type?.getText(file) ?? '']);
      found.push({ name: namesOf[table]?.[key] ?? '', parts: Object.fromEntries(parts) as Record<string, string>, says: documentationOf(file, member) });
    }
  }
  return found;
}

/** The types of a file as they are written, with what they say of themselves. */
function declarations(name: string): string {
  const file = parsed(name);
  const wanted = file.statements.filter((statement) => (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) && !tabled.includes(statement.name.text));
  return wanted.map((statement) => file.text.slice(statement.getStart(file, true), statement.end).replace(/^export /gm, '')).join('\n\n');
}

function documentationOf(file: ts.SourceFile, node: ts.Node): string {
  const comment = ts.getLeadingCommentRanges(file.text, node.pos)?.pop();
  return comment === undefined ? '' : file.text.slice(comment.pos, comment.end).replace(/^\/\*\*\s*|\s*\*\/$/g, '').replace(/\s*\n\s*\*\s*/g, ' ');
}

function parsed(name: string): ts.SourceFile {
  const file = path.join(root, `src/protocol/${name}.ts`);
  return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
}

function code(type = 'Nothing'): string {
  return type === 'Nothing' ? '–' : `\`${type.replaceAll('readonly ', '')}\``;
}
