interface FrameStateRow {
  readonly name: string;
  readonly text: string;
}

/** What `state_of(hpa)` answers with, by number: written `frame_state.NAME`. */
export const frameStateRows = [
  { name: 'free', text: 'The host uses the frame for nothing.' },
  { name: 'guest_memory', text: 'The frame backs a page of a guest that is none of its tables.' },
  { name: 'guest_table', text: "The frame backs a paging structure that a guest's CR3 leads to." },
  { name: 'shadow_table', text: 'A shadow page: a table that the hypervisor has made in place of a guest\'s.' },
  { name: 'ept_table', text: 'A table of the second dimension (EPT or nested paging).' },
  { name: 'host_table', text: "A paging structure of the host's own, for its processes." },
  { name: 'other', text: "None of these: the hypervisor's own data, or no memory of the host." },
] as const satisfies readonly FrameStateRow[];

export type FrameState = (typeof frameStateRows)[number]['name'];

/** The number of a state, or -1 where there is none of that name. */
export function frameStateNumber(name: string): number {
  return frameStateRows.findIndex((row) => row.name === name);
}
