import fc from 'fast-check';

/** Paging modes with the kernel library, and what their entries are like. */
const modes = {
  '32-bit': { bytes: 4, root: 'direct(p.root) + (0x600000 >> 22) * 4', large: 0x80_0000, bits: ['RW', 'US', 'A', 'D'] },
  'pae': { bytes: 8, root: 'direct(entry [direct(p.root)].frame) + (0x600000 >> 21) * 8', large: 0x80_0000, bits: ['RW', 'US', 'A', 'D', 'XD'] },
  '4-level': {
    bytes: 8, root: 'direct(entry [direct(entry [direct(p.root)].frame)].frame) + (0x600000 >> 21) * 8', large: 0x80_0000, bits: ['RW', 'US', 'A', 'D', 'XD'],
  },
  '5-level': {
    bytes: 8, root: 'direct(entry [direct(entry [direct(entry [direct(p.root)].frame)].frame)].frame) + (0x600000 >> 21) * 8',
    large: 0x80_0000, bits: ['RW', 'US', 'A', 'D', 'XD'],
  },
} as const;
type ModeName = keyof typeof modes;

/** The page through which the guest's user mode reaches the page table of the others. */
const WINDOW = 0x60e000;
const PAGES = 8;

interface Step {
  readonly kind: 'access' | 'large access' | 'window' | 'pte' | 'pde' | 'frame' | 'control' | 'cr3' | 'switch' | 'fork storm';
  readonly page: number;
  readonly bit: number;
  readonly write: boolean;
  readonly user: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom<Step['kind'][]>(
    'access', 'access', 'access', 'access', 'large access', 'window', 'pte', 'pte', 'pde', 'frame', 'control', 'cr3', 'switch', 'fork storm',
  ),
  page: fc.nat(PAGES - 1), bit: fc.nat(7), write: fc.boolean(), user: fc.boolean(),
});

const controls = ['cr0.WP = 0', 'cr0.WP = 1', 'cr4.SMEP = 1', 'cr4.SMEP = 0', 'cr4.PGE = 1', 'cr4.PGE = 0', 'cr0.WP = 0', 'cr0.WP = 1'] as const;

function linesOf(mode: ModeName, { kind, page, bit, write, user }: Step): readonly string[] {
  const { bytes, large, bits } = modes[mode];
  const who = user ? 'user ' : '';
  const access = (address: number): string => (write ? `${who}dword [0x${address.toString(16)}] += 1` : `${who}x = [0x${address.toString(16)}]`);
  const name = bits[bit % bits.length]!;
  switch (kind) {
    case 'access': return [access(0x600000 + page * 4096 + (bit === 7 ? 0xffe : bit * 4)), 'expect refused'];
    case 'large access': return [access(large + page * 0x7_f000), 'expect refused'];
    case 'window': return [`user dword [0x${(WINDOW + page * bytes).toString(16)}] ^= 0x${[2, 4, 0x20, 0x40, 6, 0x22, 0x60, 0x42][bit]!.toString(16)}`, 'expect refused', 'cr3 = p.root'];
    case 'pte': return [`entry [pt + ${page * bytes}] ^= ${name}`, `invlpg(0x${(0x600000 + page * 4096).toString(16)})`];
    case 'pde': return bit === 0
      ? [`old = entry [pd]; entry [pd] = 0; entry [pd] = old`, 'cr3 = p.root']
      : [`entry [pd] ^= ${bit % 2 === 0 ? 'RW' : 'US'}`, 'cr3 = p.root', `entry [pd + ${bytes}] ^= ${name === 'XD' ? 'RW' : name}`, `invlpg(0x${large.toString(16)})`, 'cr3 = p.root'];
    case 'frame': return [`entry [pt + ${page * bytes}] = pte(gpa:0x${(0x900000 + bit * 4096).toString(16)}, ${write ? 'rw' : 'ro'}, user${user ? ', accessed, dirty' : ''})`,
      `invlpg(0x${(0x600000 + page * 4096).toString(16)})`];
    case 'control': return [controls[bit]!];
    case 'cr3': return ['cr3 = p.root'];
    case 'switch': return ['switch(q)', 'user [0x600000] += 1', 'switch(p)'];
    case 'fork storm': return [`for i in 0 .. ${1 + bit} { entry [pd + 40 * ${bytes}] = i * 4096 }`];
  }
}

/** A guest with the kernel library, in any paging mode; it invalidates what it must. */
export const modeGuests: fc.Arbitrary<string> = fc.record({
  mode: fc.constantFrom<ModeName[]>('32-bit', 'pae', '32-bit', 'pae', '5-level', '4-level'),
  steps: fc.array(step, { minLength: 4, maxLength: 40 }),
}).map(({ mode, steps }) => {
  const { bytes, root } = modes[mode];
  return `machine { paging ${mode}, ram 16M }
process p { 0x600000 .. 0x60f000 rw user }
process q { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  pd = ${root}
  pt = pte_at(p, 0x600000)
  entry [pd + ${mode === '32-bit' ? 4 : 8}] = pde(gpa:8M, rw, user, large)
  entry [pte_at(p, 0x${WINDOW.toString(16)})] = pte(gpa_of(pt), rw, user)
  ${steps.flatMap((each) => linesOf(mode, each)).join('\n  ')}
}
`.replaceAll('+ 40 * ', `+ ${mode === '32-bit' ? 20 : 40} * `).replace('BYTES', String(bytes));
});

interface Toggle {
  readonly kind: 'access' | 'entry' | 'paging' | 'pae' | 'control';
  readonly at: number;
  readonly write: boolean;
}

const toggle: fc.Arbitrary<Toggle> = fc.record({
  kind: fc.constantFrom<Toggle['kind'][]>('access', 'access', 'access', 'entry', 'paging', 'pae', 'control'),
  at: fc.nat(7), write: fc.boolean(),
});

/**
 * A guest without the library, which has paging off, on with 32-bit tables, or on with PAE tables, by turns. Everything
 * lies in one page's reach of address 0, which both sets of tables map one to one; linear 4 MBytes on are small pages.
 */
export const togglingGuests: fc.Arbitrary<string> = fc.array(toggle, { minLength: 4, maxLength: 40 }).map((toggles) => {
  let isPaging = true;
  let isPae = false;
  const lines = toggles.flatMap(({ kind, at, write }): readonly string[] => {
    const user = write ? '' : 'user ';
    switch (kind) {
      case 'access': {
        const address = `0x${(at < 2 ? 0x8000 + at * 4096 : 0x40_0000 + at * 4096).toString(16)}`;
        return [write ? `[${address}] += 1` : `${user}x = [${address}]`, 'expect refused'];
      }
      case 'entry': return isPae
        ? [`qword [0x${(0x7000 + at * 8).toString(16)}] ^= 0x${write ? 2 : 4}`, ...(isPaging ? ['cr3 = gpa:0x5000'] : [])]
        : [`dword [0x${(0x2000 + at * 4).toString(16)}] ^= 0x${write ? 2 : 4}`, ...(isPaging ? ['cr3 = gpa:0x1000'] : [])];
      case 'paging':
        isPaging = !isPaging;
        return [`cr0.PG = ${isPaging ? 1 : 0}`];
      case 'pae': {
        const wasPaging = isPaging;
        isPae = !isPae;
        return [...(wasPaging ? ['cr0.PG = 0'] : []), `cr4.PAE = ${isPae ? 1 : 0}`, `cr3 = gpa:0x${isPae ? '5000' : '1000'}`, ...(wasPaging ? ['cr0.PG = 1'] : [])];
      }
      case 'control': return [`cr0.WP = ${at & 1}`, `cr4.SMEP = ${at >> 1 & 1}`];
    }
  });
  return `machine { paging 32-bit, ram 16M, kernel none }
on page_fault(gva address, code) { refuse }
cpu 0 {
  entry [0x1000] = legacy.pde(gpa:0, rw, large); entry [0x1004] = legacy.pde(gpa:0x2000, rw, user)
  qword [0x5000] = 0x6001; qword [0x6000] = 0xe3; qword [0x6010] = 0x7007
  for i in 0 .. 8 { dword [0x2000 + i * 4] = 0x900067 + i * 4096; qword [0x7000 + i * 8] = 0x900067 + i * 4096 }
  cr4.PSE = 1; cr3 = gpa:0x1000; cr0.PG = 1
  ${lines.join('\n  ')}
}
`;
});
