import type { AddressPart, EntryField, WalkPicture, WalkReference, WalkResponse } from '../../src/protocol/requests';

/** Sample answers to `pagewalk/walk`, each the picture of one moment. */

const LEVELS = ['final', 'PTE', 'PDE', 'PDPTE', 'PML4E'] as const;

function flag(name: string, bit: number, value: 0 | 1, meaning: string): EntryField {
  return { name, bits: [bit, bit], value: String(value), meaning };
}

/** A writable page's PTE has XD set: the longest entry there is. */
const LEAF = '0x8000000000006067';

function guestFields(frame: string, set: { readonly dirty: 0 | 1; readonly user: 0 | 1; readonly xd: 0 | 1 }): readonly EntryField[] {
  return [
    flag('P', 0, 1, 'the entry is in use'),
    flag('RW', 1, 1, 'writes are allowed'),
    flag('US', 2, set.user, set.user ? 'user-mode accesses are allowed' : 'supervisor only'),
    flag('XD', 63, set.xd, set.xd ? 'instruction fetches are refused' : 'instruction fetches are allowed'),
    flag('A', 5, 1, 'has been used in a translation'),
    flag('D', 6, set.dirty, set.dirty ? 'has been written through' : 'has not been written through'),
    { name: 'frame', bits: [51, 12], value: frame, meaning: 'where the next table or the page lies' },
  ];
}

function nestedFields(frame: string): readonly EntryField[] {
  return [
    flag('R', 0, 1, 'reads are allowed'),
    flag('W', 1, 1, 'writes are allowed'),
    flag('X', 2, 1, 'instruction fetches are allowed'),
    flag('A', 8, 0, 'accessed and dirty flags for EPT are off'),
    flag('D', 9, 0, 'accessed and dirty flags for EPT are off'),
    { name: 'memory type', bits: [5, 3], value: 'WB', meaning: 'write-back' },
    { name: 'frame', bits: [51, 12], value: frame, meaning: 'where the next table or the page lies' },
  ];
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function oneDimensional(made: number, frames: string): readonly WalkReference[] {
  return [4, 3, 2, 1].map((level, i) => {
    const head = { number: i + 1, guestLevel: level, nestedLevel: 0, name: LEVELS[level] ?? '' };
    if (i >= made) return head;
    const at = `${frames}:${hex(0x2000 + i * 0x1000 + (level === 2 ? 0x18 : 0))}`;
    const frame = `${frames}:${hex(0x3000 + i * 0x1000)}`;
    const value = level === 1 ? LEAF : hex(0x3027 + i * 0x1000);
    const fields = guestFields(frame, { dirty: level === 1 ? 1 : 0, user: 1, xd: level === 1 ? 1 : 0 });
    return { ...head, read: { address: at, hpa: at.replace(/^\w+/, 'hpa'), value, fields } };
  });
}

/** References of a four-by-four walk, the first `made` of them read. */
function twoDimensional(made: number): readonly WalkReference[] {
  const references: WalkReference[] = [];
  for (let guestLevel = 4; guestLevel >= 0; guestLevel--) {
    for (let nestedLevel = 4; nestedLevel >= (guestLevel === 0 ? 1 : 0); nestedLevel--) {
      const number = references.length + 1;
      const name = nestedLevel === 0 ? (LEVELS[guestLevel] ?? '') : `EPT ${LEVELS[nestedLevel] ?? ''}`;
      const head = { number, guestLevel, nestedLevel, name };
      if (number > made) {
        references.push(head);
        continue;
      }
      const hpa = `hpa:${hex(0x104000 + number * 0x1000 + number * 8)}`;
      const frame = `hpa:${hex(0x105000 + number * 0x1000)}`;
      const value = hex(0x105037 + number * 0x1000);
      references.push(
        nestedLevel === 0
          ? {
              ...head,
              read: {
                address: `gpa:${hex(0x2000 + (4 - guestLevel) * 0x1000)}`,
                hpa,
                value: guestLevel === 1 ? '0x8000000000006007' : hex(0x3007 + (4 - guestLevel) * 0x1000),
                updated: guestLevel === 1 ? LEAF : hex(0x3027 + (4 - guestLevel) * 0x1000),
                fields: guestFields(`gpa:${hex(0x3000 + (4 - guestLevel) * 0x1000)}`, {
                  dirty: 0,
                  user: 1,
                  xd: guestLevel === 1 ? 1 : 0,
                }),
              },
            }
          : { ...head, read: { address: hpa, hpa, value, fields: nestedFields(frame) } },
      );
    }
  }
  return references;
}

const parts: readonly AddressPart[] = [
  { name: 'PML4', bits: [47, 39], value: 0 },
  { name: 'directory pointer', bits: [38, 30], value: 0 },
  { name: 'directory', bits: [29, 21], value: 3 },
  { name: 'table', bits: [20, 12], value: 1 },
  { name: 'offset', bits: [11, 0], value: 0x18 },
];

const access = {
  text: 'user store of 8 bytes at gva:0x601018',
  address: 'gva:0x601018',
  parts,
  path: 'scenarios/first-touch.guest',
  line: 21,
};

function picture(title: string, references: readonly WalkReference[], rest: Partial<WalkPicture>): WalkPicture {
  return { title, guestLevels: 4, nestedLevels: references.length > 4 ? 4 : 0, references, ...rest };
}

export const nativeWalkDone: WalkResponse = {
  access,
  walks: [
    picture('guest tables', oneDimensional(4, 'hpa'), { outcome: 'maps hpa:0x6000', mapsTo: 'hpa:0x6000' }),
  ],
  message: 'The access is over.',
};

export const nestedWalkHalfway: WalkResponse = {
  access,
  walks: [picture('guest tables through EPT', twoDimensional(13), {})],
  lit: { walk: 0, number: 13 },
  message: 'Reading EPT PDE for the PDE at gpa:0x4000.',
};

export const nestedWalkOneFurther: WalkResponse = {
  ...nestedWalkHalfway,
  walks: [picture('guest tables through EPT', twoDimensional(14), {})],
  lit: { walk: 0, number: 14 },
  message: 'Reading EPT PTE for the PDE at gpa:0x4000.',
};

export const nestedWalkDone: WalkResponse = {
  access,
  walks: [
    picture('guest tables through EPT', twoDimensional(24), {
      outcome: 'maps hpa:0x11d000',
      mapsTo: 'hpa:0x11d000',
      finalGpa: 'gpa:0x7018',
    }),
  ],
  message: 'The access is over.',
};

export const tlbHit: WalkResponse = {
  access,
  tlb: 'TLB line 12 maps gva:0x601000 to hpa:0x9000',
  walks: [],
  message: 'The TLB answered: no walk was made.',
};

/** EPT maps 2 MB pages, so no EPT PTE is read; it ends in an EPT violation at the guest's PTE. */
export const largePagesAndViolation: WalkResponse = {
  access,
  walks: [
    {
      ...picture('guest tables through EPT', [], {
        outcome: 'EPT violation at gpa:0x5000, qualification 0x81 (data read, GVA valid): the EPT PDE is not present',
      }),
      nestedLevels: 4,
      references: twoDimensional(18)
        .filter(({ nestedLevel, number }) => nestedLevel !== 1 && number <= 18)
        .map((reference, i) => ({ ...reference, number: i + 1 })),
    },
  ],
  message: 'The walk is over: EPT violation.',
};

/** A shadow walk that faults, the guest's walk that the hypervisor made of it, and the retry that goes through. */
export const faultAndRetry: WalkResponse = {
  access,
  walks: [
    picture('shadow tables', oneDimensional(3, 'hpa'), { outcome: 'page fault, error code 0x6: the PDE is not present' }),
    picture('shadow tables', oneDimensional(4, 'hpa'), { outcome: 'maps hpa:0x6000', mapsTo: 'hpa:0x6000' }),
  ],
  message: 'The access is over.',
};
