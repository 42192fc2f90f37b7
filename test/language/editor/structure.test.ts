import { strict as assert } from 'node:assert';
import { codeLenses } from '../../../src/language/editor/codeLenses';
import { documentLinks } from '../../../src/language/editor/documentLinks';
import { folds } from '../../../src/language/editor/folding';
import { formatOnType, formatRange } from '../../../src/language/editor/formatting';
import { inlayHints } from '../../../src/language/editor/inlayHints';
import { outline, type OutlineItem } from '../../../src/language/editor/outline';
import { quickFixes } from '../../../src/language/editor/quickFixes';
import { semanticTokens } from '../../../src/language/editor/semanticTokens';
import type { TextEdit } from '../../../src/language/format/formatText';
import { everyConstruct } from '../samples';
import { marked, onCpu, read } from './marked';

describe('the outline', () => {
  const shown = ({ kind, name, detail, children }: OutlineItem): unknown => (
    children.length === 0 ? `${kind}: ${name} ${detail}` : [`${kind}: ${name}`, ...children.map(shown)]
  );

  it('has every declaration with its shape, those of a VM below it', () => {
    const text = 'import "a.guest"\nmachine { paging 4-level, ram 16M }\nprocess p { 0x1000 .. 0x2000 rw user }\nglobal g = 1\nprocedure f(gva a) -> gpa { return gpa_of(a) }\non page_fault(gva a, code) { refuse }\nvm l1 {\n  vm l2 { cpu 0 { hlt() } }\n}\ncpu 0 { x = 1; x = 2 }\nhost thread t { barrier b }';
    assert.deepEqual(outline(read(text)).map(shown), [
      'import: a.guest import', 'machine: machine paging 4-level, ram 16M', 'process: p process, 1 range', 'global: g global',
      'procedure: f (gva a) -> gpa', 'handler: on page_fault(gva a, code) handler', ['vm: l1', ['vm: l2', 'cpu: cpu 0 1 statement']],
      'cpu: cpu 0 2 statements', 'host thread: t host thread',
    ]);
  });

  it('puts each name inside its declaration', () => {
    const check = (item: OutlineItem): void => {
      assert.ok(item.start <= item.nameStart && item.nameStart < item.nameEnd && item.nameEnd <= item.end, item.name);
      item.children.forEach(check);
    };
    const items = outline(read(everyConstruct));
    assert.ok(items.length > 8);
    items.forEach(check);
  });
});

describe('folding', () => {
  it('folds blocks, runs of comments and runs of imports', () => {
    const text = '// one\n// two\nimport "a.guest"\nimport "b.guest"\ncpu 0 {\n  x = 1  // here\n  // three\n  if x {\n    x = 2\n  }\n  user { x = 3 }\n}';
    assert.deepEqual(folds(read(text)).map(({ line, endLine, kind }) => `${String(line)}-${String(endLine)} ${kind}`), [
      '0-1 comment', '2-3 imports', '4-10 block', '7-8 block',
    ]);
  });
});

describe('code lenses', () => {
  it('stand above a text that something runs in', () => {
    assert.deepEqual(codeLenses(read('cpu 0 { x = 1 }')).map(({ title, start }) => `${title} ${String(start)}`), ['Run 0', 'Debug 0', 'Compare 0']);
    assert.equal(codeLenses(read('vm a { cpu 0 { x = 1 } }')).length, 3);
    assert.equal(codeLenses(read('procedure f() { }')).length, 0);
  });
});

describe('inlay hints', () => {
  const hinted = (lines: string): string => {
    const text = onCpu(lines);
    let shown = text;
    for (const { offset, label } of [...inlayHints(read(text), 0, text.length)].reverse()) shown = `${shown.slice(0, offset)}‹${label}›${shown.slice(offset)}`;
    return shown.split('\n')[6]?.trim() ?? '';
  };

  it('name the parameters of procedures and instructions', () => {
    assert.equal(hinted('map(q, 0x700000, frame(), ro)'), 'map(‹p:›q, ‹address:›0x700000, ‹f:›frame(), ‹rights:›ro)');
    assert.equal(hinted('invpcid(1, 3, 0x1000)'), 'invpcid(‹type:›1, ‹pcid:›3, ‹a:›0x1000)');
  });
  it('say nothing where the argument does, nor of the only one', () => {
    assert.equal(hinted('unmap(p, 0x600000)'), 'unmap(p, ‹address:›0x600000)');
    assert.equal(hinted('invlpg(0x600000)'), 'invlpg(0x600000)');
  });
  it('stay within the lines that are asked for', () => {
    const text = onCpu('unmap(q, 1)\n  unmap(q, 2)');
    const second = text.indexOf('unmap(q, 2)');
    assert.ok(inlayHints(read(text), second, text.length).every(({ offset }) => offset > second));
  });
});

describe('document links', () => {
  it('lead to the section that a comment names, and to files', () => {
    const text = 'import "lib.guest"\nmachine { kernel "mine.guest" }\n// SDM Vol. 3, "Page-Fault Exceptions"; as APM, "Nested Paging" and mmu.rst say; KVM mmu.rst, "Write-protection"; SDM Volume 4, "MSRs"\ncpu 0 { print "SDM" }';
    const links = documentLinks(read(text)).map((link) => `${text.slice(link.start, link.end)} → ${'url' in link ? link.url : link.path}`);
    assert.deepEqual(links.map((link) => link.replace(/https:\/\/[^#]*/, (url) => new URL(url).host)), [
      'lib.guest → lib.guest', 'mine.guest → mine.guest',
      'SDM Vol. 3, "Page-Fault Exceptions" → cdrdv2.intel.com#search=Page-Fault%20Exceptions',
      'APM, "Nested Paging" → www.amd.com', 'mmu.rst → docs.kernel.org',
      'KVM mmu.rst, "Write-protection" → docs.kernel.org#:~:text=Write%2Dprotection', 'SDM Volume 4, "MSRs" → cdrdv2.intel.com#search=MSRs',
    ]);
  });
});

describe('semantic tokens', () => {
  it('tell names apart by what they mean', () => {
    const text = onCpu('map(q, 0x700000, g, rw)\n  slot = pte_at(p, 0x600000)\n  x = cr0.WP + entry [slot].P\n  expect under shadow-wp: tlb.hits == 0');
    const shown = semanticTokens(read(text)).map(({ start, end, type, modifiers }) => [text.slice(start, end), type, ...modifiers].join(' '));
    for (const token of [
      'p class declaration', 'g variable static declaration', 'map function defaultLibrary', 'q class', 'rw enumMember readonly',
      'slot variable modification', 'slot variable', 'cr0 variable defaultLibrary', 'WP property', 'P enumMember readonly', 'hits property readonly',
      'paging property', 'shadow enumMember readonly',
    ]) assert.ok(shown.includes(token), `${token} is not in\n${shown.join('\n')}`);
  });
  it('are in the order of the text and do not overlap', () => {
    const tokens = semanticTokens(read(everyConstruct));
    tokens.forEach((token, i) => { assert.ok(token.start >= (tokens[i - 1]?.end ?? 0)); });
    assert.ok(tokens.length > 60);
  });
});

describe('formatting as one types', () => {
  const applied = (text: string, edits: readonly TextEdit[]): string => (
    [...edits].reverse().reduce((changed, { start, end, newText }) => changed.slice(0, start) + newText + changed.slice(end), text)
  );

  it('lays the line out whose end is typed, and no other', () => {
    const { text, offset } = marked('cpu 0 {\n      x=1\n  |\n   y=2\n}');
    assert.equal(applied(text, formatOnType(text, offset, '\n')), 'cpu 0 {\n  x = 1\n  \n   y=2\n}');
  });
  it('lays the line of a closing brace out', () => {
    const { text, offset } = marked('cpu 0 {\n  if x {\n    y = 1\n      }|\n  z=1\n}');
    assert.equal(applied(text, formatOnType(text, offset, '}')), 'cpu 0 {\n  if x {\n    y = 1\n  }\n  z=1\n}');
  });
  it('of a range touches only its lines', () => {
    const text = 'cpu 0 {\n x=1\n y=2\n z=3\n}';
    const from = text.indexOf('y');
    assert.equal(applied(text, formatRange(text, from, from + 1)), 'cpu 0 {\n x=1\n  y = 2\n z=3\n}');
  });
  it('does nothing to a text that does not parse', () => {
    assert.deepEqual(formatRange('cpu 0 { x = ', 0, 5), []);
  });
});

describe('quick fixes', () => {
  it('are those of the diagnostics at the place', () => {
    const scenario = read('cpu 0 {\n  x = 1\n}');
    const [main] = scenario.files;
    const range = { file: 0, line: 1, column: 2, endLine: 1, endColumn: 3 };
    const diagnostic = { severity: 'error', message: 'x', range, path: main.source.path, fix: { title: 'Write y', edits: [{ range, text: 'y' }] } } as const;
    const broken = { ...scenario, diagnostics: [diagnostic] };
    const at = main.source.text.indexOf('x');
    assert.deepEqual(quickFixes(broken, at, at).map(({ title, edits }) => ({ title, edits })), [{ title: 'Write y', edits: [{ start: at, end: at + 1, newText: 'y' }] }]);
    assert.deepEqual(quickFixes(broken, 0, 2), []);
    assert.deepEqual(quickFixes({ ...broken, diagnostics: [{ ...diagnostic, path: 'other.guest' }] }, at, at), []);
  });
});
