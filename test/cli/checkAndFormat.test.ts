import { strict as assert } from 'node:assert';
import { check } from '../../src/cli/check';
import { format } from '../../src/cli/format';
import { ScriptedConsole } from './scriptedConsole';

const sound = 'machine { paging 4-level, ram 16M }\n\ncpu 0 {\n  x = 1\n  print x\n}\n';
const untidy = 'machine { paging 4-level,ram 16M }\ncpu 0 {\n      x=1   // one\n  print x\n}\n';
const tidy = 'machine { paging 4-level, ram 16M }\ncpu 0 {\n  x = 1 // one\n  print x\n}\n';
const files = {
  'sound.guest': sound,
  'untidy.guest': untidy,
  'broken.guest': 'cpu 0 {\n  x = nowhere\n  y = (\n}\n',
  'warned.guest': 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000  rw user }\ncpu 0 { x = 1 }\n',
  'amd.guest': 'machine { paging 4-level, ram 16M, mmu ept }\nplatform { vendor amd }\ncpu 0 { x = 1 }\n',
  'lib/library.guest': 'procedure f() {\n  x = 1\n}\n',
  'lib/main.guest': 'import "library.guest"\ncpu 0 { f() }\n',
} as const;

describe('pagewalk check', () => {
  const checked = (names: readonly string[], options: Parameters<typeof check>[1] = {}, input = ''): { status: number; text: string; errors: string } => {
    const console = new ScriptedConsole({ files, input });
    const status = check(names, options, console);
    return { status, text: console.text, errors: console.errors };
  };

  it('says every error at its place, and how many there are', () => {
    const { status, text } = checked(['broken.guest', 'sound.guest']);
    assert.equal(status, 1);
    assert.match(text, /^broken\.guest:2:7: There is no `nowhere` here.*\nbroken\.guest:\d:\d+: .*\n2 files: 2 errors, 0 warnings\n$/);
  });

  it('lets warnings pass unless it is told otherwise', () => {
    assert.deepEqual([checked(['warned.guest']).status, checked(['warned.guest'], { warnings: 'fail' }).status], [0, 1]);
    assert.match(checked(['warned.guest']).text, /warned\.guest:2:1: warning: The process `p` is never used/);
  });

  it('tells of a machine that cannot be', () => {
    const { status, text } = checked(['amd.guest']);
    assert.equal(status, 1);
    assert.match(text, /^amd\.guest:1:36: ept needs a processor with VMX/);
  });

  it('takes folders, in which a file of procedures alone is sound', () => {
    const { status, text } = checked(['lib/']);
    assert.deepEqual([status, text], [0, '2 files: 0 errors, 0 warnings\n']);
  });

  it('reads standard input', () => {
    assert.match(checked(['-'], {}, 'cpu 0 { x = nowhere }').text, /^-:1:13: There is no `nowhere`/);
  });

  it('prints one object a file with --json, lines and columns from 1', () => {
    const { status, text } = checked(['broken.guest', 'sound.guest'], { json: true });
    assert.equal(status, 1);
    const [broken, good] = text.trim().split('\n').map((line) => JSON.parse(line) as { file: string; ok: boolean; diagnostics: Record<string, unknown>[] });
    assert.deepEqual(good, { file: 'sound.guest', ok: true, diagnostics: [] });
    assert.deepEqual([broken?.file, broken?.ok, broken?.diagnostics.length], ['broken.guest', false, 2]);
    const { message, ...place } = broken?.diagnostics[0] ?? {};
    assert.deepEqual(place, { severity: 'error', path: 'broken.guest', line: 2, column: 7, endLine: 2, endColumn: 14 });
    assert.match(String(message), /no `nowhere`/);
  });

  it('a file that cannot be read is status 2, and the others are checked', () => {
    const { status, errors, text } = checked(['missing.guest', 'sound.guest']);
    assert.deepEqual([status, errors], [2, 'pagewalk: missing.guest cannot be read: check its name.\n']);
    assert.match(text, /0 errors/);
  });
});

describe('pagewalk format', () => {
  const formatted = (names: readonly string[], options: Parameters<typeof format>[1] = {}, input = ''): { status: number; text: string; errors: string; files: Map<string, string> } => {
    const console = new ScriptedConsole({ files: { ...files, 'readonly/a.guest': untidy }, input });
    const status = format(names, options, console);
    return { status, text: console.text, errors: console.errors, files: console.files };
  };

  it('lays files out in place, and says which', () => {
    const { status, text, files: written } = formatted(['untidy.guest', 'sound.guest']);
    assert.deepEqual([status, text], [0, 'untidy.guest: formatted\n']);
    assert.deepEqual([written.get('untidy.guest'), written.get('sound.guest')], [tidy, sound]);
  });

  it('--check changes nothing and is status 1 when something would change', () => {
    const { status, text, files: written } = formatted(['untidy.guest', 'sound.guest'], { check: true });
    assert.deepEqual([status, text, written.get('untidy.guest')], [1, 'untidy.guest: is not formatted\n', untidy]);
    assert.equal(formatted(['sound.guest'], { check: true }).status, 0);
  });

  it('leaves a text that does not parse as it is, and says why: status 2', () => {
    const { status, errors, files: written } = formatted(['broken.guest']);
    assert.deepEqual([status, written.get('broken.guest')], [2, files['broken.guest']]);
    assert.match(errors, /^broken\.guest:\d:\d+: /);
  });

  it('formats standard input onto standard output', () => {
    assert.deepEqual(formatted(['-'], {}, untidy).text, tidy);
    assert.deepEqual([formatted(['-'], { check: true }, untidy).status, formatted(['-'], { check: true }, untidy).text], [1, '']);
  });

  it('says with --json what became of each file', () => {
    const { text } = formatted(['untidy.guest', 'sound.guest', 'broken.guest', 'missing.guest'], { json: true });
    assert.deepEqual(text.trim().split('\n').map((line) => (JSON.parse(line) as { status: string }).status), ['changed', 'unchanged', 'broken', 'unreadable']);
  });

  it('says which file cannot be written', () => {
    const { status, errors } = formatted(['readonly/a.guest']);
    assert.deepEqual([status, errors], [2, 'pagewalk: readonly/a.guest cannot be written: check its rights.\n']);
  });
});
