import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run/run';
import { compiled } from './onMachine';

function stackOf(text: string, mmu: string): readonly string[] | undefined {
  const report = run(compiled(text), mmu);
  if ('error' in report) assert.fail(report.error);
  return report.outcome.stack;
}

describe('where a guest stood that died', () => {
  it('is told from the statement down to the CPU, call by call', () => {
    const text = `procedure ratio(n) { return 10 / n }
procedure half(n) {
  x = ratio(n)
  return x
}
cpu 0 { barrier met }
cpu 1 {
  barrier met
  y = half(0)
}
`;
    assert.deepEqual(stackOf(text, 'native'), ['at ratio (test.guest:1:22)', 'at half (test.guest:3:3)', 'at cpu 1 (test.guest:9:3)']);
  });

  it('names handlers, and leaves out the middle of a runaway recursion', () => {
    const text = `procedure down(n) { return down(n + 1) }
on page_fault(gva a, code) { x = down(0) }
machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  user [0x800000] = 1
}
`;
    const stack = stackOf(text, 'native') ?? [];
    assert.equal(stack.length, 11);
    assert.deepEqual(stack.slice(0, 6), new Array(6).fill('at down (test.guest:1:21)'));
    assert.match(stack[6]!, /^… \d+ more$/);
    assert.deepEqual(stack.slice(-2), ['at on page_fault (test.guest:2:30)', 'at cpu 0 (test.guest:7:3)']);
  });

  it('comes with the last VM exit, where there was one', () => {
    const text = `machine { paging 4-level, ram 16M, kernel none }
cpu 0 {
  cr3 = gpa:0x8000
  cr0.PG = 1
  x = [0x600000]
}
`;
    assert.deepEqual(stackOf(text, 'shadow-wp'), ['at cpu 0 (test.guest:5:3)', 'the last VM exit of cpu 0: exception_nmi']);
    assert.deepEqual(stackOf(text, 'native'), ['at cpu 0 (test.guest:5:3)']);
  });

  it('is nothing where all wait for each other, as the sentence tells it', () => {
    assert.deepEqual(stackOf('cpu 0 {\n  barrier a\n  barrier b\n}\ncpu 1 {\n  barrier b\n  barrier a\n}\n', 'native'), []);
  });
});
