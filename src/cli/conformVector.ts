/** One conformance vector: one access on one machine state, and what another implementation did. */
export interface Vector {
  readonly id: string;
  readonly kind: 'native' | 'ept' | 'npt';
  readonly paging: '32-bit' | 'pae' | '4-level' | '5-level';
  readonly cpu: {
    readonly cr0: bigint;
    readonly cr3: bigint;
    readonly cr4: bigint;
    readonly efer: bigint;
    readonly pkru: bigint;
    readonly cpl: number;
    readonly rflagsAc: number;
    readonly maxphyaddr: number;
    /** The PDPTE registers; undefined when they are what memory at CR3 holds, or there are none. */
    readonly pdptes: readonly bigint[] | undefined;
  };
  /** Present for kind `ept`. */
  readonly eptp: bigint | undefined;
  /** Present for kind `npt`. */
  readonly npt: HostTables | undefined;
  readonly memory: ReadonlyMap<bigint, bigint>;
  readonly access: { readonly type: 'read' | 'write' | 'fetch'; readonly linear: bigint; readonly size: number };
  /** Outcome and its fields by name; values in hex but the outcome's. */
  readonly expect: Readonly<Record<string, string>>;
  /** Words that the access changed; undefined when the vector does not say. */
  readonly after: ReadonlyMap<bigint, bigint> | undefined;
}

/** The nested tables of kind `npt`, and the registers of the host that they are read by. */
export interface HostTables {
  readonly ncr3: bigint;
  readonly cr0: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
}

/** Fields that each outcome is judged by; `gpa` and `gla` only where the vector gives them. */
export const outcomeFields: Readonly<Record<string, readonly string[]>> = {
  'ok': ['hpa', 'gpa'],
  'page-fault': ['error_code', 'cr2'],
  'ept-violation': ['qualification', 'gpa', 'gla'],
  'ept-misconfiguration': ['gpa'],
  'npf': ['exitinfo1', 'exitinfo2'],
};

class Broken extends Error {}

type Json = Readonly<Record<string, unknown>>;

/** Reads a line; a sentence says what is wrong with a broken one, and what was wanted. */
export function readVector(text: string): { readonly vector: Vector } | { readonly broken: string } {
  try {
    return { vector: vectorOf(object(parse(text), 'the line')) };
  } catch (problem) {
    if (problem instanceof Broken) return { broken: problem.message };
    throw problem;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (problem) {
    throw new Broken(`it is not JSON (${problem instanceof Error ? problem.message : 'unreadable'}): one object a line is wanted`);
  }
}

function vectorOf(line: Json): Vector {
  const cpu = object(line['cpu'], 'cpu');
  const access = object(line['access'], 'access');
  const kind = oneOf(line['kind'], 'kind', ['native', 'ept', 'npt'] as const);
  const paging = oneOf(line['paging'], 'paging', ['32-bit', 'pae', '4-level', '5-level'] as const);
  return {
    id: typeof line['id'] === 'string' ? line['id'] : '',
    kind,
    paging,
    cpu: {
      cr0: hex(cpu['cr0'], 'cpu.cr0'),
      cr3: hex(cpu['cr3'], 'cpu.cr3'),
      cr4: hex(cpu['cr4'], 'cpu.cr4'),
      efer: hex(cpu['efer'], 'cpu.efer'),
      pkru: hex(cpu['pkru'], 'cpu.pkru'),
      cpl: integer(cpu['cpl'], 'cpu.cpl', 0, 3),
      rflagsAc: integer(cpu['rflags_ac'], 'cpu.rflags_ac', 0, 1),
      maxphyaddr: integer(cpu['maxphyaddr'], 'cpu.maxphyaddr', 0, 64),
      pdptes: kind === 'ept' && paging === 'pae' ? pdptesOf(cpu['pdpte']) : undefined,
    },
    eptp: kind === 'ept' ? hex(object(line['ept'], 'ept')['eptp'], 'ept.eptp') : undefined,
    npt: kind === 'npt' ? hostTables(object(line['npt'], 'npt')) : undefined,
    memory: words(line['memory'], 'memory'),
    access: {
      type: oneOf(access['type'], 'access.type', ['read', 'write', 'fetch'] as const),
      linear: hex(access['linear'], 'access.linear'),
      size: integer(access['size'], 'access.size', 1, 8),
    },
    expect: expectation(object(line['expect'], 'expect')),
    after: line['after'] === undefined ? undefined : words(line['after'], 'after'),
  };
}

function hostTables(npt: Json): HostTables {
  return {
    ncr3: hex(npt['ncr3'], 'npt.ncr3'),
    cr0: hex(npt['host_cr0'], 'npt.host_cr0'),
    cr4: hex(npt['host_cr4'], 'npt.host_cr4'),
    efer: hex(npt['host_efer'], 'npt.host_efer'),
  };
}

function pdptesOf(value: unknown): readonly bigint[] {
  if (!Array.isArray(value) || value.length !== 4) throw new Broken('"cpu.pdpte" must be a list of the four PDPTE registers');
  return value.map((pdpte, index) => hex(pdpte, `cpu.pdpte[${index}]`));
}

function expectation(expect: Json): Readonly<Record<string, string>> {
  const outcome = oneOf(expect['outcome'], 'expect.outcome', Object.keys(outcomeFields));
  const fields: Record<string, string> = { outcome };
  for (const name of outcomeFields[outcome] ?? []) {
    if (expect[name] === undefined && (name === 'gpa' && outcome === 'ok' || name === 'gla')) continue;
    fields[name] = printHex(hex(expect[name], `expect.${name}`));
  }
  return fields;
}

function words(value: unknown, name: string): ReadonlyMap<bigint, bigint> {
  if (!Array.isArray(value)) throw new Broken(`"${name}" must be a list of pairs ["0xADDRESS", "0xQWORD"]`);
  return new Map(value.map((pair: unknown, index) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw new Broken(`"${name}[${index}]" must be a pair ["0xADDRESS", "0xQWORD"]`);
    const address = hex(pair[0], `${name}[${index}][0]`);
    if (address % 8n !== 0n) throw new Broken(`"${name}[${index}][0]" must be a multiple of 8`);
    return [address, hex(pair[1], `${name}[${index}][1]`)];
  }));
}

function object(value: unknown, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Broken(`"${name}" must be an object`);
  return value as Json;
}

function hex(value: unknown, name: string): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,16}$/.test(value)) {
    throw new Broken(`"${name}" must be a hex string of at most 64 bits, such as "0x1000"`);
  }
  return BigInt(value);
}

function integer(value: unknown, name: string, low: number, high: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
    throw new Broken(`"${name}" must be a whole number from ${low} to ${high}`);
  }
  return value;
}

function oneOf<T extends string>(value: unknown, name: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new Broken(`"${name}" must be one of ${choices.join(', ')}`);
  return found;
}

export function printHex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
