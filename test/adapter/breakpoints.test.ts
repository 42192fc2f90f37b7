import { strict as assert } from 'node:assert';
import { exceptionFilter } from '../../src/adapter/breakpoints/exceptionFilters';
import { dataId, parseDataId } from '../../src/adapter/breakpoints/dataBreakpoint';
import { parseHitCondition } from '../../src/adapter/breakpoints/hitCondition';
import { parseMemoryFunction } from '../../src/adapter/breakpoints/memoryFunction';
import { memoryWatchMatches, usesOf, type WatchedMachine } from '../../src/adapter/breakpoints/memoryWatch';
import { parseWriteBreakpoint, writeBreakpointMatches } from '../../src/adapter/breakpoints/writeBreakpoint';
import { sourceKey } from '../../src/adapter/client';
import { ImportPaths, besideFile } from '../../src/adapter/importPaths';
import { parseMemoryReference } from '../../src/adapter/memoryReference';
import { OPERATION } from '../../src/hardware/paging/accessKinds';
import { KIND, RECORD_WORDS, field, type EventName, type Field } from '../../src/hardware/events/eventTable';

/** A raw record; a 64-bit field is given as [low, high]. */
function record(kind: EventName, fields: Partial<Record<Field, number | [number, number]>>): Int32Array {
  const words = new Int32Array(RECORD_WORDS);
  words[0] = KIND[kind];
  for (const [name, value] of Object.entries(fields)) {
    const at = field[name as Field].at;
    if (typeof value === 'number') words[at] = value;
    else words.set(value, at);
  }
  return words;
}

describe('a hit condition', () => {
  const check = (text: string, expected: object): void => { assert.deepEqual(parseHitCondition(text), expected, text); };
  it('is a count, a bound or a rhythm', () => {
    check('5', { operator: '==', count: 5 });
    check(' == 5 ', { operator: '==', count: 5 });
    check('>=3', { operator: '>=', count: 3 });
    check('>0', { operator: '>=', count: 1 });
    check('%4', { operator: '%', count: 4 });
  });
  it('is refused with the ways to write it', () => {
    for (const text of ['0', '%0', '<5', '5x', '', '1e3', '99999999999']) assert.ok('error' in parseHitCondition(text), text);
  });
});

describe('break on write to an entry', () => {
  const matches = (name: string, words: Int32Array): boolean => {
    const parsed = parseWriteBreakpoint(name);
    assert.ok(!('error' in parsed), name);
    return writeBreakpointMatches(parsed)(words);
  };
  it('stops at any store that touches a byte of it', () => {
    const at = (lo: number, size: number): Int32Array => record('page_table_write', { gpa: [lo, 0], size });
    assert.ok(matches('write:gpa:0x3008', at(0x3008, 8)));
    assert.ok(matches('write:gpa:0x3008', at(0x300f, 1)));
    assert.ok(matches('write:gpa:0x3008', at(0x3004, 8)));
    assert.ok(!matches('write:gpa:0x3008', at(0x3000, 8)));
    assert.ok(!matches('write:gpa:0x3008', at(0x3010, 8)));
    assert.ok(matches('write:gpa:0x3000:4096', at(0x3ff8, 8)));
  });
  it('tells addresses above 4 GiB apart', () => {
    assert.ok(matches('write:hpa:0x100003008', record('entry_written', { hpa: [0x3008, 1] })));
    assert.ok(!matches('write:hpa:0x100003008', record('entry_written', { hpa: [0x3008, 0] })));
    assert.ok(matches('write:hpa:0xfffff008', record('entry_written', { hpa: [0xfffff008 | 0, 0] })));
  });
  it('refuses other spaces and nonsense with one sentence', () => {
    for (const name of ['write:gva:0x1000', 'write:gpa:', 'write:gpa:0x1000:0', 'write:gpa:0xffffffffffffffff', 'write:zpa:1', 'write:gpa:3008']) {
      assert.ok('error' in parseWriteBreakpoint(name), name);
    }
  });
});

describe('a watch of memory by name', () => {
  it('says what is done to which bytes', () => {
    const named = (name: string): string => {
      const parsed = parseMemoryFunction(name);
      if (parsed === undefined) return 'another kind of name';
      return 'error' in parsed ? parsed.error : `${parsed.accessType} ${dataId(parsed.watch)}`;
    };
    assert.equal(named('read:gva:0x600000'), 'read gva:0x600000:8');
    assert.equal(named('access:alice.gpa:0x3008:4'), 'readWrite alice.gpa:0x3008:4');
    assert.equal(named('write:gva:0x600000:0x10'), 'write gva:0x600000:16');
    assert.equal(named('execute:gva:0x700000'), 'readWrite execute gva:0x700000:1');
    assert.equal(named('walk:hpa:0x3000:4096'), 'readWrite walk hpa:0x3000:4096');
    for (const name of ['write:gpa:0x3008', 'write:', 'vm_exit', 'exit:hlt']) assert.equal(named(name), 'another kind of name', name);
    assert.match(named('read:0x600000'), /^"read:0x600000" names no memory: write it as read:gva:0x600000,/);
    assert.match(named('read:gva:600000'), /^"read:gva:600000" has its address without 0x: write read:gva:0x600000,/);
    assert.match(named('walk:gpa:0x3000:0'), /watches nothing/);
  });
});

describe('the cr3-write filter', () => {
  const matches = (words: Int32Array): boolean => exceptionFilter('cr3-write')?.matches(words) === true;
  it('stops at writes of CR3 and of no other register', () => {
    assert.ok(matches(record('cr_write', { index: 3 })));
    assert.ok(!matches(record('cr_write', { index: 4 })));
  });
});

describe('a data breakpoint', () => {
  const matches = (id: string, type: 'read' | 'write' | 'readWrite', words: Int32Array): boolean => {
    const parsed = parseDataId(id);
    assert.ok(!('error' in parsed) && parsed.kind === 'memory', id);
    return memoryWatchMatches(parsed, usesOf(parsed, type), flat)(words);
  };
  /** A machine whose every address is where it is called. */
  const flat: WatchedMachine = { guestAddress: (_cpu, _space, address) => address, hostAddress: (_cpu, _space, address) => ({ address }), actorOn: (cpu) => cpu };
  it('has an id that says all of it', () => {
    for (const id of ['gva:0x600000:8', 'alice.gpa:0x3008:8', 'hpa:0x100000000:4096', 'walk gpa:0x3000:8', 'execute gva:0x1000:1', 'value:1:cr3', 'value:0:vmcs field eptp']) {
      const parsed = parseDataId(id);
      assert.ok(!('error' in parsed), id);
      assert.equal(dataId(parsed), id);
    }
    for (const id of ['soup', 'gva:600000:8', 'gva:0x600000:0', 'hva:0x1000:8', 'value:0:']) assert.ok('error' in parseDataId(id), id);
  });
  it('tells the walker from the hypervisor that writes an entry, and a fetch from a read', () => {
    const read = record('table_read', { address: [0x3000, 0], hpa: [0x9000, 0], space: 0 });
    assert.ok(matches('walk gpa:0x3000:8', 'read', read));
    assert.ok(matches('walk hpa:0x9000:8', 'read', read));
    assert.ok(!matches('gpa:0x3000:8', 'readWrite', read));
    assert.ok(matches('execute gva:0x600000:1', 'read', done(OPERATION.fetch, 0x600000)));
    assert.ok(!matches('execute gva:0x600000:1', 'read', done(OPERATION.load, 0x600000)));
    assert.ok(matches('hpa:0x9008:8', 'write', record('entry_written', { hpa: [0x9008, 0] })));
    assert.ok(!matches('gpa:0x9008:8', 'write', record('entry_written', { hpa: [0x9008, 0] })));
    assert.ok(matches('gpa:0x3008:8', 'write', record('ad_update', { address: [0x3008, 0], hpa: [0x7008, 0], space: 0 })));
    assert.ok(!matches('gpa:0x3008:8', 'write', record('ad_update', { address: [0x3008, 0], hpa: [0x7008, 0], space: 1 })));
    assert.ok(matches('hpa:0x9ff8:8', 'write', record('page_copied', { hpa: [0x9000, 0], size: 4096 })));
  });
  const done = (what: number, lo: number, hi = 0): Int32Array => record('access_done', { gva: [lo, hi], hpa: [lo, hi], size: 8, what });
  it('stops at accesses of its kind; a read-modify-write is both', () => {
    const id = 'gva:0x600000:8';
    assert.ok(matches(id, 'write', done(OPERATION.store, 0x600000)));
    assert.ok(!matches(id, 'write', done(OPERATION.load, 0x600000)));
    assert.ok(matches(id, 'read', done(OPERATION.load, 0x600000)));
    assert.ok(!matches(id, 'read', done(OPERATION.store, 0x600000)));
    for (const type of ['read', 'write', 'readWrite'] as const) assert.ok(matches(id, type, done(OPERATION.readModifyWrite, 0x600000)));
    assert.ok(!matches(id, 'readWrite', done(OPERATION.fetch, 0x600000)));
  });
  it('stops at any byte of it, also across 4 GiB', () => {
    assert.ok(matches('gva:0x600000:1', 'write', done(OPERATION.store, 0x5ffff9)));
    assert.ok(!matches('gva:0x600000:1', 'write', done(OPERATION.store, 0x5ffff8)));
    assert.ok(matches('hpa:0x100000000:4', 'write', done(OPERATION.store, 0xfffffffc | 0, 0)));
    assert.ok(matches('gva:0xffff888000001000:8', 'write', done(OPERATION.store, 0x1000, 0xffff8880 | 0)));
  });
});

describe('the guest-page-fault filter', () => {
  it('stops at vector 14 alone', () => {
    const filter = exceptionFilter('guest-page-fault');
    assert.ok(filter);
    assert.equal(filter.matches(record('exception_delivered', { vector: 14 })), true);
    assert.equal(filter.matches(record('exception_delivered', { vector: 13 })), false);
  });
});

describe('names of sources', () => {
  it('are one for all ways to write a file', () => {
    const key = sourceKey('c:/lab/first touch.guest');
    for (const name of ['C:\\lab\\first touch.guest', 'file:///c%3A/lab/first%20touch.guest', 'file:///C:/lab/first%20touch.guest']) {
      assert.equal(sourceKey(name), key, name);
    }
    assert.equal(sourceKey('file:///lab/a.guest'), '/lab/a.guest');
    assert.equal(sourceKey('vscode-vfs://github/lab/a%20b.guest'), 'vscode-vfs://github/lab/a b.guest');
    assert.equal(sourceKey('/lab/100%.guest'), '/lab/100%.guest');
  });
  it('of imports are taken beside the importing file', () => {
    assert.equal(besideFile('/lab/a.guest', 'b.guest'), '/lab/b.guest');
    assert.equal(besideFile('/lab/x/a.guest', '../b.guest'), '/lab/b.guest');
    assert.equal(besideFile('C:\\lab\\a.guest', 'sub/b.guest'), 'C:\\lab\\sub\\b.guest');
    assert.equal(besideFile('vscode-vfs://github/lab/a.guest', './b.guest'), 'vscode-vfs://github/lab/b.guest');
    assert.equal(besideFile('/lab/a.guest', '/other/b.guest'), '/other/b.guest');
    assert.equal(besideFile('vscode-vfs://github/lab/a.guest', 'my b.guest'), 'vscode-vfs://github/lab/my%20b.guest');
    assert.equal(besideFile('file:///lab/x/a.guest', '../../../b.guest'), 'file:///b.guest');
  });
  it('of imports beside a relative path go above the current folder too', () => {
    assert.equal(besideFile('a.guest', '../b.guest'), '../b.guest');
    assert.equal(besideFile('./a.guest', '../b.guest'), '../b.guest');
    assert.equal(besideFile('../a.guest', '../b.guest'), '../../b.guest');
    assert.equal(besideFile('/a.guest', '../b.guest'), '/b.guest');
  });
  it('of imports are one for all spellings, and the scenario keeps its own', () => {
    const paths = new ImportPaths('C:\\lab\\a.guest');
    assert.equal(paths.resolve('./lib/../b.guest', 'C:\\lab\\a.guest'), paths.resolve('b.guest', 'C:\\lab\\a.guest'));
    assert.equal(paths.resolve('../lab/a.guest', 'c:/lab/b.guest'), 'C:\\lab\\a.guest');
  });
});

describe('memory references', () => {
  it('name a space; a bare number is a linear address', () => {
    assert.deepEqual(parseMemoryReference('gpa:0x3008'), { space: 'gpa', address: 0x3008n });
    assert.deepEqual(parseMemoryReference('0xffff888000001000'), { space: 'gva', address: 0xffff888000001000n });
    assert.equal(parseMemoryReference('cr3'), undefined);
    assert.equal(parseMemoryReference('gpa:99999999999999999999'), undefined);
  });
});
