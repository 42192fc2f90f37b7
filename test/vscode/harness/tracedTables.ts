import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { projectRoot } from './projectRoot';

const ENTRIES = 512;
const FRAME = 0xf_ffff_ffff_f000n;
const NAMES = ['', 'PTE', 'PDE', 'PDPTE', 'PML4E'];

interface TraceLine {
  readonly step: number;
  readonly kind: string;
  readonly space?: string;
  readonly hpa?: string;
  readonly value?: string;
}

/** What `pagewalk run --trace` writes of a scenario of this project. */
export function traceOf(scenario: string, mmu: string): readonly TraceLine[] {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'trace-'));
  try {
    const file = path.join(folder, 'trace.jsonl');
    const scenarioFile = path.join('scenarios', scenario);
    execFileSync(process.execPath, ['dist/cli.js', 'run', scenarioFile, '--mmu', mmu, '--trace', file], { cwd: projectRoot });
    return fs.readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as TraceLine);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** Tables of one space as the trace's events before a step add up to, from empty ones. */
export class TracedTables {
  private readonly words = new Map<bigint, bigint>();
  /** Host-physical address of the table that the processor walks: the CR3 of the last VM entry. */
  readonly root: bigint;

  constructor(trace: readonly TraceLine[], space: string, beforeStep: number) {
    let root = 0n;
    for (const { step, kind, space: of, hpa, value } of trace) {
      if (step >= beforeStep) break;
      if (kind === 'vm_entry') root = BigInt(value ?? '0');
      if ((kind !== 'entry_written' && kind !== 'ad_update') || of !== space || hpa === undefined) continue;
      this.words.set(BigInt(hpa), BigInt(value ?? '0'));
    }
    this.root = root;
  }

  /**
   * Rows of the tree with the entries on `way` (indices from the root down) unfolded, in the tree's order: label
   * and where the entry leads, `PDE 3 → hpa:0x113000`.
   */
  rows(way: readonly number[], table = this.root, level = 4): string[] {
    return Array.from({ length: ENTRIES }, (_, index) => index).flatMap((index) => {
      const entry = this.words.get(table + BigInt(8 * index)) ?? 0n;
      if (entry === 0n) return [];
      const target = entry & FRAME;
      const row = `${NAMES[level] ?? ''} ${String(index)} → hpa:0x${target.toString(16)}`;
      return index === way[0] && level > 1 ? [row, ...this.rows(way.slice(1), target, level - 1)] : [row];
    });
  }
}
