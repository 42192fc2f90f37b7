import { strict as assert } from 'node:assert';
import type { SystemAccess } from '../../../src/hardware/delivery/systemAccess';
import { CR0, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { IoPermission } from '../../../src/hardware/processor/ioPermission';
import { TRANSLATED } from '../../../src/hardware/processor/linearTranslation';
import { REGISTER, REGISTER_WORDS } from '../../../src/hardware/processor/registers';
import { RESUME } from '../../../src/hardware/processor/rootMode';
import type { SegmentRegisters } from '../../../src/hardware/segments/segmentRegisters';

/** What a general-protection exception and a fault of reading the TSS lead to here. */
const REFUSED = 101;
const FAULTED = 102;
const MAP = 0x70;
const ROOM = 0x2100;
const BUSY_32 = 0x8b;
const BUSY_16 = 0x83;

/** By default a program at CPL 3, IOPL 0, whose TSS of 32 bits has a map of zeros: every port is permitted. */
interface Asked {
  readonly about: string;
  readonly cr0?: number;
  readonly cpl?: number;
  readonly iopl?: number;
  readonly virtual8086?: true;
  readonly taskState?: 'none';
  readonly rights?: number;
  readonly limit?: number;
  readonly base?: readonly [lo: number, hi: number];
  /** Ports whose bit is 1. */
  readonly closed?: readonly number[];
  readonly port?: number;
  readonly size?: 1 | 2 | 4;
  /** Offset into the TSS that cannot be read. */
  readonly unreadable?: number;
  readonly answer: number;
  /** Linear addresses that are read, of two bytes each. */
  readonly reads?: readonly (readonly [lo: number, hi: number])[];
}

const allowed = RESUME.completed;
const edge = MAP + (0x3f8 >> 3) + 1;
const cases: readonly Asked[] = [
  { about: 'real-address mode asks nobody', cr0: 0, closed: [0x3f8], answer: allowed, reads: [] },
  ...[0, 1, 2, 3].flatMap((cpl) => [0, 1, 2, 3].map((iopl): Asked => ({
    about: `CPL ${cpl} with IOPL ${iopl}`, cpl, iopl, closed: [0x3f8], answer: cpl <= iopl ? allowed : REFUSED,
  }))),
  { about: 'virtual-8086 mode asks the map at any IOPL', virtual8086: true, iopl: 3, closed: [0x3f8], answer: REFUSED },
  { about: 'virtual-8086 mode, permitted', virtual8086: true, iopl: 3, answer: allowed, reads: [[0x9066, 0], [0x9000 + edge - 1, 0]] },
  { about: 'no TSS in memory', taskState: 'none', answer: REFUSED, reads: [] },
  { about: 'a TSS that a hypervisor has made for virtual-8086 mode', taskState: 'none', virtual8086: true, answer: allowed },
  { about: 'a TSS of 16 bits', rights: BUSY_16, answer: REFUSED, reads: [] },
  { about: 'a TSS that ends in the base of the map', limit: 0x66, answer: REFUSED, reads: [] },
  { about: 'a TSS that ends behind the base of the map', limit: 0x67, answer: REFUSED, reads: [[0x9066, 0]] },
  { about: 'a TSS that ends in the second of the two bytes', limit: edge - 1, answer: REFUSED, reads: [[0x9066, 0]] },
  { about: 'a TSS that ends behind the two bytes', limit: edge, answer: allowed },
  { about: 'a fault of reading the base', unreadable: 0x66, answer: FAULTED },
  { about: 'a fault of reading the map', unreadable: edge - 1, answer: FAULTED },
  { about: 'a TSS above 4 GBytes', base: [0x9000, 5], answer: allowed, reads: [[0x9066, 5], [0x9000 + edge - 1, 5]] },
  { about: 'a TSS across 4 GBytes', base: [-0x68, 5], answer: allowed, reads: [[-2, 5], [edge - 1 - 0x68, 6]] },
  ...([1, 2, 4] as const).flatMap((size) => [0x3f8, 0x3fd, 0x3ff].flatMap((port) => [-1, 0, 1, 2, 3, 4].map((offset): Asked => ({
    about: `${size} bytes at port 0x${port.toString(16)}, of which 0x${(port + offset).toString(16)} is closed`,
    port, size, closed: [port + offset], answer: offset >= 0 && offset < size ? REFUSED : allowed,
  })))),
];

function ask({ cr0 = CR0.PE, cpl = 3, iopl = 0, virtual8086, taskState, rights = BUSY_32, limit = ROOM, base = [0x9000, 0], closed = [], port = 0x3f8, size = 1, unreadable }: Asked): {
  readonly answer: number; readonly raised: readonly (readonly number[])[]; readonly reads: readonly (readonly number[])[];
} {
  const tss = new Uint8Array(ROOM + 2);
  tss[0x66] = MAP;
  for (const each of closed) tss[MAP + (each >> 3)]! |= 1 << (each & 7);
  const registers = new Int32Array(REGISTER_WORDS);
  registers[2 * REGISTER.cr0] = cr0;
  registers[2 * REGISTER.cpl] = cpl;
  registers[2 * REGISTER.rflags] = (iopl << RFLAGS.ioplShift) | (virtual8086 === true ? RFLAGS.VM : 0);
  const reads: (readonly number[])[] = [];
  const raised: (readonly number[])[] = [];
  const access = {
    lo: 0,
    read(lo: number, hi: number, bytes: number): number {
      const offset = lo - base[0] | 0;
      reads.push([lo, hi]);
      assert.equal(bytes, 2);
      this.lo = tss[offset]! | tss[offset + 1]! << 8;
      return offset === unreadable ? FAULTED : TRANSLATED;
    },
  };
  const segments = { limit: () => limit, rights: () => rights, baseLo: () => base[0], baseHi: () => base[1] };
  const permission = new IoPermission({
    registers, access: access as unknown as SystemAccess, segments: segments as unknown as SegmentRegisters, taskState: () => taskState ?? 'in memory',
    raise: (...exception) => {
      raised.push(exception);
      return REFUSED;
    },
  });
  return { answer: permission.ask(port, size), raised, reads };
}

describe('the permission to use I/O ports', () => {
  for (const asked of cases) {
    it(`${asked.about}: ${asked.answer === allowed ? 'given' : asked.answer === REFUSED ? '#GP(0)' : 'that fault'}`, () => {
      const { answer, raised, reads } = ask(asked);
      assert.equal(answer, asked.answer);
      assert.deepEqual(raised, asked.answer === REFUSED ? [[13, 0]] : []);
      if (asked.reads !== undefined) assert.deepEqual(reads, asked.reads);
    });
  }
});
