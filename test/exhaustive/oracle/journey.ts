import { isAllowed, keyPrevents, Translation, type Access, type Controls, type Used } from './accessRights';
import { forgetFlags, markFlag, type NestedTables } from './nestedDimension';
import { pageFaultErrorCode, type Cause } from './pageFault';
import { Verdict, type Flagged } from './verdict';

/** An entry of the linear tables, with the guest-physical address it has, by which nested tables are asked. */
export interface LinearEntry extends Used, Flagged {
  readonly gpa: number;
  /** Counted from 1. */
  readonly level: number;
  /** Held in a register: it is not read from memory. */
  readonly inRegister: boolean;
}

/** One state of all tables. The last of `nestedPaths` is for the address that the linear tables translate to. */
export interface Tables<NestedEntry extends Flagged> {
  /** From the top; none without paging. */
  readonly linear: readonly LinearEntry[];
  readonly nested?: { readonly tables: NestedTables<NestedEntry>; readonly paths: readonly (readonly NestedEntry[])[] };
  /** Low half of the linear address. */
  readonly address: number;
  /** CR4.PAE. */
  readonly pae: boolean;
}

/**
 * What the manuals say of an access to a linear address whose tables are themselves translated, told in the order in
 * which it happens. SDM Vol. 3, "EPT Translation Mechanism" ("the guest-physical address of each entry is translated
 * first"), "Determination of Access Rights", "Accessed and Dirty Flags"; APM Vol. 2, "Nested versus Guest Page Faults, Fault
 * Ordering".
 */
export class Journey<NestedEntry extends Flagged> {
  readonly verdict = new Verdict();
  private readonly translation = new Translation();

  judge(tables: Tables<NestedEntry>, access: Access, controls: Controls): Verdict {
    const { verdict } = this;
    const { linear, nested } = tables;
    forgetFlags(linear);
    if (nested !== undefined) for (const path of nested.paths) forgetFlags(path);
    verdict.references = 0;
    // "The walk ends at the first entry that is not present or has a reserved bit set, else at the one that maps the page."
    let end = linear.length === 0 ? -1 : 0;
    if (end === 0) while (linear[end]!.facts.present && !linear[end]!.facts.reserved && !linear[end]!.facts.mapsPage) end++;
    const refused = this.reachEntries(tables, end);
    if (refused !== undefined) return refused;
    const cause = this.causeOfPageFault(tables, end, access, controls);
    verdict.level = end < 0 ? 0 : linear[end]!.level;
    if (cause !== undefined) {
      for (let i = 0; i < end; i++) markFlag(linear[i]!, 'may', linear[i]!.facts.accessedFlag);
      if (cause === 'access rights') markFlag(linear[end]!, 'may', linear[end]!.facts.accessedFlag);
      verdict.outcome = 'page fault';
      verdict.errorCode = pageFaultErrorCode(access, cause, this.translation, controls, tables.pae);
      return verdict;
    }
    return this.setFlags(tables, end, access) ?? this.reachData(tables, end, access);
  }

  /** Each entry read is a guest-physical access of its own, before anything the entry says. */
  private reachEntries({ linear, nested }: Tables<NestedEntry>, end: number): Verdict | undefined {
    const { verdict } = this;
    for (let i = 0; i <= end; i++) {
      const entry = linear[i]!;
      if (entry.inRegister) continue;
      if (nested !== undefined) {
        const { tables } = nested;
        tables.ask(nested.paths[i]!, entry.gpa, tables.access.table);
        verdict.references += tables.references;
        if (tables.outcome !== 'mapped') {
          for (let above = 0; above < i; above++) markFlag(linear[above]!, 'may', linear[above]!.facts.accessedFlag);
          return this.refusedByNested(tables, entry.level, entry.gpa);
        }
      }
      verdict.references++;
    }
    return undefined;
  }

  private causeOfPageFault({ linear }: Tables<NestedEntry>, end: number, access: Access, controls: Controls): Cause | undefined {
    // Without paging there is nothing that could refuse; every address is a user-mode one, writable and executable.
    if (end < 0) {
      this.translation.take(linear, end);
      return undefined;
    }
    const last = linear[end]!.facts;
    if (!last.present) return 'not present';
    if (last.reserved) return 'reserved bit';
    const { translation } = this;
    translation.take(linear, end);
    return isAllowed(access, translation, controls) && !keyPrevents(access, translation, controls) ? undefined : 'access rights';
  }

  /**
   * "Whenever the processor uses a paging-structure entry as part of linear-address translation, it sets the accessed
   * flag in that entry (if it is not already set)", from the top down; the write needs the right to the entry's page.
   */
  private setFlags({ linear, nested }: Tables<NestedEntry>, end: number, access: Access): Verdict | undefined {
    for (let i = 0; i <= end; i++) {
      const entry = linear[i]!;
      const { facts } = entry;
      const writesLeaf = i === end && access.what === 'write';
      const flags = writesLeaf ? facts.accessedFlag | facts.dirtyFlag : facts.accessedFlag;
      const isSet = facts.accessed && (!writesLeaf || facts.dirty);
      if (nested !== undefined && flags !== 0 && !isSet) {
        const { tables } = nested;
        tables.ask(nested.paths[i]!, entry.gpa, tables.access.table);
        if (!tables.mayUpdateFlags()) {
          for (let above = 0; above < i; above++) markFlag(linear[above]!, 'may', linear[above]!.facts.accessedFlag);
          return this.refusedByNested(tables, entry.level, entry.gpa);
        }
      }
      markFlag(entry, 'must', flags);
    }
    return undefined;
  }

  /** The address that the linear tables give, and behind it what the nested tables make of that. */
  private reachData({ linear, nested, address }: Tables<NestedEntry>, end: number, access: Access): Verdict {
    const { verdict } = this;
    const leaf = end < 0 ? undefined : linear[end]!.facts;
    verdict.outcome = 'mapped';
    verdict.sizeBits = verdict.effectiveSizeBits = leaf?.sizeBits ?? 12;
    verdict.gpa = verdict.hpa = leaf === undefined ? address >>> 0 : leaf.frame + (address & (2 ** leaf.sizeBits - 1));
    verdict.global = leaf?.global ?? false;
    verdict.key = leaf?.key ?? 0;
    verdict.dirty = leaf === undefined || leaf.dirty || access.what === 'write';
    if (nested === undefined) return verdict;
    const { tables, paths } = nested;
    tables.ask(paths[linear.length]!, verdict.gpa, tables.access.final(access.what, this.translation));
    verdict.references += tables.references;
    if (tables.outcome !== 'mapped') {
      // What the guest's own walk did stays done: its accessed and dirty flags were set before.
      return this.refusedByNested(tables, verdict.level, verdict.gpa);
    }
    verdict.hpa = tables.hpa;
    verdict.dirty = verdict.dirty && tables.dirty;
    // "The page size of a combined mapping is the smaller of the two"; without paging it is the nested tables' own.
    verdict.effectiveSizeBits = leaf === undefined ? tables.sizeBits : Math.min(verdict.sizeBits, tables.sizeBits);
    return verdict;
  }

  private refusedByNested(tables: NestedTables<NestedEntry>, level: number, gpa: number): Verdict {
    const { verdict } = this;
    verdict.outcome = tables.outcome;
    verdict.level = level;
    verdict.nestedLevel = tables.level;
    verdict.gpa = gpa;
    verdict.qualification = tables.qualification;
    verdict.qualificationHigh = tables.qualificationHigh;
    verdict.convertible = tables.convertible;
    return verdict;
  }
}
