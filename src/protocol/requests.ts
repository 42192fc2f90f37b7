/**
 * The `pagewalk/…` requests: what the views need beyond DAP, so that any client can have it.
 * Addresses and values are hex strings; an address that names its space is `SPACE:0x…`.
 */

export type Space = 'guest' | 'shadow' | 'ept' | 'host';

export const REQUEST = {
  tables: 'pagewalk/tables',
  walk: 'pagewalk/walk',
  writer: 'pagewalk/writer',
} as const;

/** One flag or field of an entry, as printed: always in the order valid, permissions, A/D, type, frame. */
export interface EntryField {
  /** The manual's name: `P`, `RW`, `US`, `XD`, `A`, `D`, `PS`, `G`, `R`, `W`, `X`, `memory type`, `frame` … */
  readonly name: string;
  /** Highest and lowest bit. */
  readonly bits: readonly [number, number];
  /** `1`, `0`, `WB`, `gpa:0x5000` … */
  readonly value: string;
  /** What it means here, in a few words. */
  readonly meaning: string;
}

export interface TablesArguments {
  readonly space: Space;
  /** `SPACE:0x…` of a root, as a root node gave it. Left out: the roots are listed. */
  readonly root?: string;
  /** Indices from the root down to the table whose entries are wanted; left out or empty: the root's own. */
  readonly path?: readonly number[];
}

/** A root or an entry that is not zero. */
export interface TableNode {
  /** Stable over steps: `shadow/hpa:0x4000/0/3`. */
  readonly id: string;
  /** `PML4E 0`, `EPT PDE 3`, `CR3 gpa:0x2000 (process p)`. */
  readonly label: string;
  /** One line: flags that are set as letters, then where it leads: `P RW US A → gpa:0x5000`. */
  readonly description: string;
  /** The longer story for a tooltip, in sentences. */
  readonly tooltip: string;
  readonly root: string;
  readonly path: readonly number[];
  /** Address of the entry's word: `gpa:0x3008` in guest tables, else `hpa:0x…`; a root has none. */
  readonly address?: string;
  readonly value?: string;
  /** First address it translates, and how many bytes: `gva:0x600000`, `0x1000`. */
  readonly from?: string;
  readonly size?: string;
  readonly fields: readonly EntryField[];
  readonly hasChildren: boolean;
  /** It, or something below it, differs from the stop before this one. */
  readonly changed: boolean;
}

export interface TablesResponse {
  readonly nodes: readonly TableNode[];
  /** Why there are none, as a sentence: `EPT is not used by shadow-wp.` */
  readonly message?: string;
}

export interface WalkArguments {
  readonly threadId: number;
}

/** A part of the linear (or guest-physical) address: an index field or the offset. */
export interface AddressPart {
  readonly name: string;
  readonly bits: readonly [number, number];
  readonly value: number;
}

/** One memory reference of the walk that ran, or of the rest that the format still asks for. */
export interface WalkReference {
  /** Counted from 1 as SDM and papers do: 1 to 4, or 1 to 24 for a four-by-four walk. */
  readonly number: number;
  /** Guest level that is served: 4 … 1; 0 is the final guest-physical address. */
  readonly guestLevel: number;
  /** Nested level 4 … 1; 0: the guest's (or the only) entry itself. */
  readonly nestedLevel: number;
  /** `PML4E`, `EPT PDPTE` … */
  readonly name: string;
  /** Absent as long as the reference has not been made. */
  readonly read?: {
    readonly address: string;
    readonly hpa: string;
    readonly value: string;
    readonly fields: readonly EntryField[];
    /** The value after an accessed or dirty flag was set in it. */
    readonly updated?: string;
  };
}

export interface WalkPicture {
  /** `guest tables through EPT`, `shadow tables`, `guest tables`. */
  readonly title: string;
  readonly guestLevels: number;
  /** 0: one-dimensional. */
  readonly nestedLevels: number;
  readonly references: readonly WalkReference[];
  /** `maps hpa:0x9000`, `page fault, error code 0x6`, `EPT violation …`; absent while it runs. */
  readonly outcome?: string;
  /** Where the address lands when the walk maps it: `hpa:0x9000`. */
  readonly mapsTo?: string;
  /** What the guest's own tables gave, once they have, for the nested walk to translate: `gpa:0x7018`. */
  readonly finalGpa?: string;
}

export interface WalkResponse {
  /** Absent: no access has run yet. */
  readonly access?: {
    /** `user store of 8 bytes at gva:0x600000` */
    readonly text: string;
    readonly address: string;
    readonly parts: readonly AddressPart[];
    /** Source line, one-based. */
    readonly path: string;
    readonly line: number;
  };
  /** Set when a TLB line answered and no walk was made: `TLB line 12 maps gva:0x600000 to hpa:0x9000`. */
  readonly tlb?: string;
  /** Walks of this access in order; a retry after a fault adds one. */
  readonly walks: readonly WalkPicture[];
  /** The reference being executed: index into `walks`, and its number. Absent when the access is over. */
  readonly lit?: { readonly walk: number; readonly number: number };
  /** What the debugger stands at, as a sentence. */
  readonly message: string;
}

export interface WriterArguments {
  /** `SPACE:0x…`, as nodes, references of walks and memory references of variables have it. */
  readonly memoryReference: string;
  /** How many bytes are asked about, of one page; left out: 8. */
  readonly bytes?: number;
}

/** The write that made some bytes of memory what they are. */
export interface Written {
  /** `PTE of the shadow tables at hpa:0x10b800: 0x0 becomes 0x8000000000108021` */
  readonly text: string;
  /** Whose doing it was; `processor` where a walk has set a flag, `user` where the person who debugs has edited it. */
  readonly by: 'guest' | 'processor' | 'hypervisor' | 'host' | 'device' | 'user';
  /** Thread that did the step, as DAP numbers it. */
  readonly threadId: number;
  readonly step: number;
  /** Number of the event within the step; 0: before its first. */
  readonly event: number;
  /** False while the guest boots and boot is not shown: no motion leads there. */
  readonly isShown: boolean;
  /** Path of the file, or name of a source of the session: the statement that ran, or the listing line that did it. */
  readonly path: string;
  readonly line: number;
  /** Procedure of the listing, where a line of one did it. */
  readonly procedure?: string;
}

export interface WriterResponse {
  /** Absent: nobody has. */
  readonly written?: Written;
  /** Who, or why there is nobody, as a sentence. */
  readonly message: string;
}
