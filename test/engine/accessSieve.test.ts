import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { AccessSieve, type WatchedBytes } from '../../src/engine/straight/accessSieve';

const PAGE = 4096n;
/** Addresses around a few pages' ends, where an access reaches from one into the next. */
const addresses = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -12, max: 12 }), fc.constantFrom(0n, 0x7fff_0000_0000n))
  .map(([page, offset, far]) => far + 0x600000n + BigInt(page) * PAGE + BigInt(offset));
const watches = fc.record({ address: addresses, length: fc.bigInt({ min: 1n, max: 40n }), isLinear: fc.boolean() });

function meets(address: bigint, size: bigint, { address: from, length }: WatchedBytes): boolean {
  return address < from + length && from < address + size;
}

function through(sieve: AccessSieve, address: bigint): boolean {
  return sieve.letsThrough(Number(BigInt.asIntN(32, address)));
}

describe('the sieve of accesses', () => {
  it('lets through each access of up to 8 bytes that touches a watched byte, of another space in whatever page', () => {
    fc.assert(fc.property(fc.array(watches, { minLength: 1, maxLength: 3 }), addresses, fc.bigInt({ min: 1n, max: 8n }), fc.bigInt({ min: 0n, max: 3n }), (bytes, address, size, page) => {
      const sieve = new AccessSieve(bytes);
      const touches = bytes.some((each) => meets(address, size, each) || (!each.isLinear && meets(address, size, { ...each, address: each.address + page * PAGE })));
      if (touches) assert.ok(through(sieve, address));
    }), { seed: 2026 });
  });

  it('keeps back what lies elsewhere in its page, and of linear addresses what lies in another page', () => {
    const there = { address: 0x601008n, length: 8n };
    const linear = new AccessSieve([{ ...there, isLinear: true }]);
    const physical = new AccessSieve([{ ...there, isLinear: false }]);
    const found = [0x601000n, 0x601008n, 0x601010n, 0x601018n, 0x603008n, 0x701008n].map((address) => [through(linear, address), through(physical, address)]);
    assert.deepEqual(found, [[true, true], [true, true], [false, false], [false, false], [false, true], [false, true]]);
  });

  it('lets all through of bytes that fill a page', () => {
    const sieve = new AccessSieve([{ address: 0x600000n, length: 8192n, isLinear: false }]);
    for (let at = 0; at < 4096; at += 8) assert.ok(sieve.letsThrough(at));
  });
});
