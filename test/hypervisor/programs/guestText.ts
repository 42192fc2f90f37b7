import type { Access, Edit, Features, GuestOperation, GuestProgram } from './guestOperation';

/**
 * The bits that a store may set in an aligned 8 bytes, wherever they lie: P to D, a frame below 16 MBytes (all RAM),
 * a reserved bit, a key and XD. So every word of guest memory, read as an entry, leads into RAM or is refused.
 */
const ENTRY_LANES = 0x88080000_00ffffffn;
const ALL = (1n << 64n) - 1n;
const PAGES = 14;
const SELF_ENTRY = 300n;
const RIGHTS = ['ro', 'rw', 'rx', 'rwx'] as const;

const words: Readonly<Record<Access['size'], string>> = { 1: 'byte', 2: 'word', 4: 'dword', 8: 'qword' };

/** A page that accesses go to, and whether stores there can only reach data. */
interface Place {
  /** Address of its first byte, as the language writes it. */
  readonly at: (offset: number) => string;
  readonly isData: boolean;
}

/** Renders the operations of a program with what must be remembered between them. */
class GuestWriter {
  readonly lines: string[] = [];
  private pge: 0 | 1 = 0;
  private readonly places: readonly Place[];

  constructor(private readonly program: GuestProgram) {
    this.places = placesOf(program.features);
  }

  write(operation: GuestOperation): void {
    switch (operation.kind) {
      case 'access': return this.access(operation.access);
      case 'edit': return this.edit(operation.edit);
      case 'remap': {
        const extra = ['', ', accessed', ', accessed, dirty', ', global', ', key(1)', ', accessed, dirty, key(1)', ', accessed, dirty, global', ''];
        const user = operation.flags === 7 ? '' : ', user';
        const page = operation.page % PAGES;
        this.statement(`entry [p1 + ${page * 8}] = pte(gpa:${hex(0x800000 + operation.frame * 4096)}, ${RIGHTS[operation.rights]!}${user}${extra[operation.flags]!})`);
        return this.flushPage(page);
      }
      case 'map':
        this.statement(`map(p, ${hex(pageAddress(operation.page))}, gpa:${hex(0x800000 + operation.frame * 4096)}, ${RIGHTS[operation.rights]!})`);
        return this.flushPage(operation.page % PAGES);
      case 'unmap':
        this.statement(`unmap(p, ${hex(pageAddress(operation.page))})`);
        return this.flushPage(operation.page % PAGES);
      case 'switch':
        this.lines.push(`switch(${operation.to})`);
        // Lines of global pages outlive the switch: the guest's own duty.
        if (this.pge === 1) this.flush();
        return;
      case 'control':
        if (operation.bit === 'cr4.PGE') this.pge = operation.value;
        this.lines.push(`${operation.bit} = ${operation.value}`);
        if (operation.bit === 'efer.NXE') this.flush();
        return;
      case 'pkru':
        this.lines.push('pke = cr4.PKE', `if pke { pkru = ${operation.value} }`);
        return;
      case 'stac':
      case 'clac': this.lines.push(`${operation.kind}()`); return;
      case 'flush': return this.flush();
      case 'readCr3': this.statement('[direct(gpa:0x803000)] = cr3'); return;
    }
  }

  private access({ by, what, size, page, offset, value }: Access): void {
    const place = this.places[page % this.places.length]!;
    const at = place.at(offset);
    const who = by === 'user' ? 'user ' : '';
    const stored = hex(maskedFor(value, offset, size));
    if (this.program.style === 'careful' && !place.isData && what !== 'load' && what !== 'fetch') {
      // A frame that changes makes tables of what was none, and more would have to be flushed than the edits below do.
      this.statement(`${who}byte [${place.at(offset & 0xff8)}] ^= ${hex(value & 0x66n)}`);
      return this.flush();
    }
    switch (what) {
      case 'load': return this.statement(`${who}x = ${words[size]} [${at}]`);
      case 'fetch': return this.statement(`${who}fetch(${at})`);
      case 'store': this.statement(`${who}${words[size]} [${at}] = ${stored}`); break;
      case '&=': this.statement(`${who}${words[size]} [${at}] &= ${hex(value & ((1n << BigInt(8 * size)) - 1n))}`); break;
      default: this.statement(`${who}${words[size]} [${at}] ${what} ${stored}`);
    }
    if (this.program.style === 'wild') this.flush();
  }

  private edit({ process, level, index, how, bits }: Edit): void {
    const { slot, page } = slotOf(this.program.features, process, level, index);
    // Without A a table that was walked is walked again; P of a directory entry goes rarely, or nothing is left to see.
    const keep = level > 1 ? bits & ~1n : bits;
    const low = hex(keep & 0xffffffffn);
    const high = hex(keep >> 32n);
    switch (how) {
      case '^=': this.statement(`entry [${slot}] ^= ${hex(keep)}`); break;
      case '|=': this.statement(`entry [${slot}] |= ${hex(keep)}`); break;
      case '&=': this.statement(`entry [${slot}] &= ${hex(~keep & ALL)}`); break;
      case 'write':
        this.statement(`x = entry [${slot}]`, `entry [${slot}] = x ^ ${hex(keep)}`);
        break;
      case 'clear':
        if (level === 1) this.statement(`entry [${slot}] = 0`);
        else this.statement(`entry [${slot}] &= ${hex(~0x20n & ALL)}`);
        break;
      case 'byte': this.statement(`byte [${slot}] ^= ${hex(keep & 0x67n)}`); break;
      case 'high dword': this.statement(`dword [${slot} + 4] ^= ${high}`); break;
      case 'low dword': this.statement(`dword [${slot}] ^= ${low}`); break;
      case 'straddle': {
        // Bytes 4 to 7 of this entry and 0 to 3 of the next.
        const next = level === 1 ? keep & 0x67n : keep & 0x66n;
        this.statement(`qword [${slot} + 4] ^= ${hex((keep >> 32n) | (next << 32n))}`);
        return this.flush();
      }
    }
    const raises = how === '|=' && (keep & ((1n << 63n) | (1n << 51n) | (1n << 59n) | 0x100n)) === 0n;
    if (raises && this.program.style === 'careful' && this.program.rewalk === 'on') return;
    if (level === 1 && process === 'p') return this.flushPage(page);
    if (level === 2 && page >= 0 && this.program.style === 'careful') {
      // One INVLPG is enough for a large page, wherever in it the address lies.
      this.lines.push('invlpg(0x805000)');
      return;
    }
    this.flush();
  }

  /** The INVLPGs that a change of the PTE of page `page` needs. */
  private flushPage(page: number): void {
    const { style, features } = this.program;
    if (style === 'wild' || features.twoLevels) return this.flush();
    this.lines.push(`invlpg(${hex(0x600000 + page * 4096)})`);
    if (features.alias) this.lines.push(`invlpg(${hex(0xa00000 + page * 4096)})`);
  }

  private flush(): void {
    this.lines.push(`cr4.PGE = ${1 - this.pge}`, `cr4.PGE = ${this.pge}`);
  }

  /** Statements of which any access may be refused. */
  private statement(...statements: readonly string[]): void {
    for (const statement of statements) this.lines.push(statement, 'expect refused');
  }
}

/** The scenario's text. */
export function guestText(program: GuestProgram): string {
  const writer = new GuestWriter(program);
  for (const operation of program.operations) writer.write(operation);
  const handler = program.style === 'wild' ? 'on page_fault(gva address, code) { refuse }\n' : '';
  return `machine { paging 4-level, ram 16M }
platform { tlb ${program.tlb}, rewalk_on_permission_fault ${program.rewalk} }
process p {
  0x600000 .. 0x604000 rw user
  0x604000 .. 0x606000 ro user
  0x606000 .. 0x608000 rw user lazy
  0x608000 .. 0x60a000 rw kernel
  0x60a000 .. 0x60b000 rx user
}
process q {
  0x600000 .. 0x602000 rw user
  0x602000 .. 0x603000 ro user
}
${handler}/// Gives the linear address of the entry of \`level\` for the address.
procedure slot_at(process p, gva address, level) -> gva {
  slot = direct(p.root) + (address >> 39 & 511) * 8
  shift = 39
  for at in level .. 4 {
    shift -= 9
    slot = direct(entry [slot].frame) + (address >> shift & 511) * 8
  }
  return slot
}
cpu 0 {
  switch(p)
  p1 = slot_at(p, 0x600000, 1); p2 = slot_at(p, 0x600000, 2); p3 = slot_at(p, 0x600000, 3); p4 = slot_at(p, 0x600000, 4)
  q1 = slot_at(q, 0x600000, 1); q2 = slot_at(q, 0x600000, 2); q3 = slot_at(q, 0x600000, 3); q4 = slot_at(q, 0x600000, 4)
  ${[...prologue(program.features), ...writer.lines].join('\n  ')}
}
`;
}

function prologue(features: Features): readonly string[] {
  const lines: string[] = [];
  if (features.alias) lines.push('entry [p2 + 16] = entry [p2] & ~RW');
  if (features.large !== 'none') lines.push(`entry [p2 + 8] = pde(gpa:${features.large === 'data' ? '8M' : '0'}, rwx, user, large)`);
  if (features.window) lines.push('entry [p1 + 160] = pte(gpa_of(p1), rw, user)', 'entry [p1 + 168] = pte(gpa_of(p2 - 24), rw, user)');
  if (features.device) lines.push('entry [p1 + 176] = pte(gpa:64M, rw, user)');
  if (features.selfMap !== 'none') {
    lines.push(`entry [direct(p.root) + ${Number(SELF_ENTRY) * 8}] = pml4e(p.root, rwx${features.selfMap === 'user' ? ', user' : ''})`);
  }
  if (features.twoLevels) lines.push('entry [p3 + 8] = pdpte(gpa_of(p1), rwx, user)');
  if (features.gigabyte) lines.push('entry [p3 + 16] = pdpte(gpa:0, rwx, user, large)');
  return lines;
}

function placesOf(features: Features): readonly Place[] {
  const at = (address: bigint | number, isData: boolean): Place => ({ at: (offset) => hex(BigInt(address) + BigInt(offset)), isData });
  const inTable = (base: string, isData: boolean): Place => ({ at: (offset) => `${base} + ${offset}`, isData });
  const places: Place[] = [];
  for (let page = 0; page < PAGES; page++) places.push(at(pageAddress(page), true));
  places.push(at(0x614000, false), at(0x615000, false), at(0x616000, false), at(0x617000, true));
  places.push(inTable('direct(gpa:8M)', true), inTable('p1', false), inTable('p2 - 24', false));
  if (features.alias) for (const page of [0, 1, 2, 4, 6, 8]) places.push(at(0xa00000 + page * 4096, true));
  if (features.large !== 'none') {
    for (const page of [0, 1, 2, 3, 0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x1ff]) {
      places.push(at(0x800000 + page * 4096, features.large === 'data' && page !== 0x1ff));
    }
  }
  if (features.twoLevels) for (const page of [0, 1, 0x200, 0x201]) places.push(at(0x40000000 + page * 4096, false));
  if (features.gigabyte) for (const page of [1, 0x100, 0x101, 0x102, 0x800, 0xfff, 0x1000]) places.push(at(0x80000000 + page * 4096, false));
  if (features.selfMap !== 'none') {
    const self = SELF_ENTRY;
    places.push(
      at(tableAddress(self, 0n, 0n, 3n), false), at(tableAddress(self, self, 0n, 0n), false),
      at(tableAddress(self, self, self, 0n), false), at(tableAddress(self, self, self, self), false),
    );
  }
  return places;
}

/** Where the entry lies, and which page of the area it maps (-1: not one of them). */
function slotOf(features: Features, process: 'p' | 'q', level: number, index: number): { slot: string; page: number } {
  if (level === 1) {
    const page = index % PAGES;
    return { slot: `${process}1 + ${page * 8}`, page };
  }
  if (level === 2 && process === 'p') {
    const choices = [0];
    if (features.large !== 'none') choices.push(8, 8);
    if (features.alias) choices.push(16);
    const at = choices[index % choices.length]!;
    return { slot: `p2 + ${at}`, page: at === 8 ? 0 : -1 };
  }
  return { slot: `${process}${level}`, page: -1 };
}

function pageAddress(page: number): number {
  return 0x600000 + (page % PAGES) * 4096;
}

/** Canonical address with these indices from the PML4 down. */
function tableAddress(...indices: readonly [bigint, bigint, bigint, bigint]): bigint {
  const low = indices.reduce((address, index, i) => address | (index << BigInt(39 - 9 * i)), 0n);
  return indices[0] >= 256n ? low | (0xffffn << 48n) : low;
}

/** `value` cut to `size` bytes and to what the lanes allow at this offset. */
function maskedFor(value: bigint, offset: number, size: number): bigint {
  let masked = 0n;
  for (let i = 0; i < size; i++) {
    const lane = (ENTRY_LANES >> BigInt(8 * ((offset + i) % 8))) & 0xffn;
    masked |= ((value >> BigInt(8 * i)) & lane) << BigInt(8 * i);
  }
  return masked;
}

function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
