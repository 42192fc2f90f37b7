import { guestText, sampleBody } from '../language/sampleBody';

/** What history is measured with: how its stores lie, or what the hypervisor does. */
export const loads = {
  /** The body of 40 statements of `bench -- language`: its stores lie in half a page. */
  local: { title: 'local stores', mmu: 'native', text: (statements: number) => guestText(sampleBody(), Math.ceil(statements / STATEMENTS_A_TURN)) },
  /** One store a turn, each in another page of 8192: whatever is saved before a write is saved for one word. */
  scattered: { title: 'scattered stores', mmu: 'native', text: scatteredText },
  /** A hypervisor that works most of the time: each switch makes all shadow tables anew. */
  rebuilding: { title: 'shadow tables rebuilt', mmu: 'shadow-rebuild', text: rebuildingText },
} as const;
export type Load = keyof typeof loads;

/** As the 40 statements of the body run on average, with its decisions. */
const STATEMENTS_A_TURN = 40;
/** Of `rebuilding`, roughly. */
const STATEMENTS_A_SWITCH = 35;
export const SCATTERED_PAGES = 8192;

function scatteredText(statements: number): string {
  return `machine { ram 128M }
process p { 0x10000000 .. 0x12000000 rw kernel }
cpu 0 {
switch(p)
i = 0
while i < ${Math.ceil(statements / 3)} {
[0x10000000 + ((i * 5 & 0x1fff) << 12)] = i
i += 1
}
}
`;
}

function rebuildingText(statements: number): string {
  const touched = 'k = 0\nrepeat 16 {\nuser [0x600000 + (k << 12)] = i\nk += 1\n}\n';
  return `machine { ram 64M }
process a { 0x600000 .. 0x640000 rw user }
process b { 0x600000 .. 0x640000 rw user }
cpu 0 {
i = 0
while i < ${Math.ceil(statements / STATEMENTS_A_SWITCH / 2)} {
switch(a)
${touched}switch(b)
${touched}i += 1
}
}
`;
}

/** A guest that maps a million pages, each by an entry of its own, stops, and goes on touching some. */
export function millionPages(): string {
  return `machine { paging 4-level, ram 64M, mmu ept }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
switch(p)
f = gpa_of(0x600000)
a = 0x100000000
repeat 2048 {
slot = slot_for(p, gva:a, 4K)
repeat 512 {
entry [slot] = pte(f, rw, user)
slot += 8
}
a += 2M
}
expect 0 == 1
a = 0x100000000
while true {
user [gva:a] = 1
a += 4K
}
}
`;
}
