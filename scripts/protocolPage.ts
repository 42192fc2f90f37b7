import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { breakpointModes } from '../src/adapter/breakpoints/breakpointModes';
import { exceptionFilters } from '../src/adapter/breakpoints/exceptionFilters';
import { consoleCommands } from '../src/adapter/console/commandTable';
import { answeredCommands, requestRow } from '../src/adapter/requestTable';
import { BREAKPOINT_REQUEST } from '../src/protocol/breakpointRequests';
import { MOTION_REQUEST } from '../src/protocol/motionRequests';
import { REQUEST } from '../src/protocol/requests';
import { markdownTable } from './markdownTable';

const root = path.join(__dirname, '..');
const messageFiles = ['requests', 'motionRequests', 'breakpointRequests'];

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
  own: () => markdownTable(['request', 'arguments', 'answer', 'is'], ownRequests().map(({ name, takes, gives, says }) => [`\`${name}\``, code(takes), code(gives), says])),
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
  const row = requestRow(name);
  const phases = row === undefined || row.phases.length >= 8 ? 'anything' : row.phases.join(', ');
  return [`\`${name}\``, phases, Object.keys(row?.needs ?? {}).filter((need) => !need.includes('[') && !need.endsWith('?')).map((need) => `\`${need}\``).join(', ')];
}

interface OwnRequest {
  readonly name: string;
  readonly takes: string;
  readonly gives: string;
  readonly says: string;
}

/** The rows of the interface that has every request's messages. */
function ownRequests(): readonly OwnRequest[] {
  const names: Readonly<Record<string, Readonly<Record<string, string>>>> = { REQUEST, MOTION_REQUEST, BREAKPOINT_REQUEST };
  const file = parsed('pagewalkRequests');
  const found: OwnRequest[] = [];
  for (const statement of file.statements) {
    if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== 'PagewalkRequests') continue;
    for (const member of statement.members) {
      if (!ts.isPropertySignature(member) || member.type === undefined || !ts.isTypeLiteralNode(member.type)) continue;
      const [table = '', key = ''] = member.name.getText(file).replace(/[[\]]/g, '').split('.');
      const typeOf = (name: string): string => (member.type as ts.TypeLiteralNode).members
        .filter(ts.isPropertySignature).find((each) => each.name.getText(file) === name)?.type?.getText(file) ?? '';
      found.push({ name: names[table]?.[key] ?? '', takes: typeOf('arguments'), gives: typeOf('response'), says: documentationOf(file, member) });
    }
  }
  return found;
}

/** The types of a file as they are written, with what they say of themselves. */
function declarations(name: string): string {
  const file = parsed(name);
  const wanted = file.statements.filter((statement) => ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement));
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

function code(type: string): string {
  return type === 'Nothing' ? '–' : `\`${type}\``;
}
