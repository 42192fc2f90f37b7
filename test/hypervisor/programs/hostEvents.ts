import fc from 'fast-check';

/** What the host does between two statements of a guest, none of which a guest can tell. */
export interface HostEvent {
  /** Which of the places between statements, by chance. */
  readonly at: number;
  readonly action: (typeof actions)[number];
  readonly page: number;
}

const actions = ['swap_out', 'swap_in', 'migrate_frame', 'split', 'collapse', 'invalidate', 'merge_all'] as const;
/** Guest pages of the processes, tables and data alike. They are read first, so that the host backs them under every hypervisor. */
const FIRST_PAGE = 0x101000;
const PAGES = 16;

/** A host with a swap device, and what happens on it. */
export interface HostEvents {
  readonly backing: '4K' | '2M';
  readonly events: readonly HostEvent[];
}

export const hostEvents: fc.Arbitrary<HostEvents> = fc.record({
  backing: fc.constantFrom('4K', '2M'),
  events: fc.array(fc.record({ at: fc.nat(1000), action: fc.constantFrom(...actions), page: fc.nat(PAGES - 1) }), { minLength: 1, maxLength: 12 }),
});

/** The scenario, which has a `platform`, with the events among its statements: not before an expectation, which judges the statement above it. */
export function withHostEvents(text: string, { backing, events }: HostEvents): string {
  const lines = text.split('\n');
  const places = placesIn(lines);
  const end = FIRST_PAGE + PAGES * 4096;
  const warmUp = `  for a in gpa:0x${FIRST_PAGE.toString(16)} .. gpa:0x${end.toString(16)} step 4K { warm = [direct(a)] }`;
  const inserted = new Map<number, string[]>([[places[0] ?? 0, [warmUp]]]);
  for (const { at, action, page } of events) {
    const line = places[at % places.length];
    if (line === undefined) continue;
    const address = `gpa:0x${(FIRST_PAGE + page * 4096).toString(16)}`;
    const call = action === 'merge_all' ? 'merge_all()' : action === 'invalidate' ? `invalidate(${address}, 64K)` : `${action}(${address})`;
    inserted.set(line, [...inserted.get(line) ?? [], `  host ${call}`]);
  }
  const body = lines.flatMap((line, i) => [...inserted.get(i) ?? [], line]).join('\n');
  return body.replace('platform { ', `platform { swap 1M, ram 64M, backing ${backing}, `);
}

/** Lines of `cpu 0` before which a statement may stand. */
function placesIn(lines: readonly string[]): readonly number[] {
  const start = lines.findIndex((line) => line.startsWith('cpu 0 {'));
  const places: number[] = [];
  let depth = 1;
  for (let i = start + 1; i < lines.length && depth > 0; i++) {
    const line = lines[i]!;
    if (depth === 1 && line.trim() !== '' && !/^\s*(expect|\}|else)/.test(line)) places.push(i);
    depth += (line.match(/\{/g) ?? []).length - (line.match(/\}/g) ?? []).length;
  }
  return places;
}
