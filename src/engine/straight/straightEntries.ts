import { STATUS } from '../../hardware/processor/processor';
import { OP } from '../../language/program';
import { multiply, shiftLeft, shiftRight } from '../arithmetic';
import type { HotUnits } from './hotUnits';
import { ENTRY, ENTRY_SHIFT, NOTHING, type StraightCode } from './straightCode';
import { LEFT, type StraightSite } from './straightSite';
import type { StraightWatch } from './straightWatch';

/**
 * Executes entries up to one that nobody knows here, up to `site.most` steps, or back to the beginning of a loop that has
 * become hot. Program counter and counts are in local variables in between.
 */
export function executeEntries(
  site: StraightSite, { entries, leading, isExpect }: StraightCode, units: HotUnits, { isHeard }: StraightWatch,
): void {
  const { words, base, globals, tables, processor, attention, repeats, whereabouts, stop, sieve } = site;
  const isMinded = isHeard || sieve !== undefined;
  let { most, pc, statement } = site;
  let steps = 0;
  let counted = 0;
  let status: number = STATUS.done;
  let isAccess = false;
  let isForOthers = false;
  let accessAt = -1;
  let accessStep = 0;

  running: while (steps < most) {
    const at = pc << ENTRY_SHIFT;
    const length = entries[at + ENTRY.length]!;
    const begun = leading[pc]!;
    if (begun !== 0) {
      statement = begun - 1;
      counted += 1 - isExpect[statement]!;
    }
    const constantTo = entries[at + ENTRY.constantTo]!;
    if (constantTo >= 0) {
      words[base + constantTo] = entries[at + ENTRY.constantLo]!;
      words[base + constantTo + 1] = entries[at + ENTRY.constantHi]!;
    }
    const a = entries[at + ENTRY.a]!;
    const b = entries[at + ENTRY.b]!;
    const ra = base + a;
    const rb = base + b;
    const rc = base + entries[at + ENTRY.c]!;
    const operation = entries[at]!;
    const address = !isMinded ? -1 : operation === OP.load ? rb : operation === OP.store || operation === OP.readModifyWrite ? ra : -1;
    if (address >= 0) {
      if (sieve?.letsThrough(words[address]!) === true) {
        pc += length - 1;
        steps += length - 1;
        break;
      }
      if (isHeard) whereabouts.tell(pc + length, steps + length - 1, counted, statement);
    }
    switch (operation) {
      case NOTHING:
        break;
      case OP.move:
        words[ra] = words[rb]!;
        words[ra + 1] = words[rb + 1]!;
        break;
      case OP.add: {
        const x = words[rb]!;
        const y = words[rc]!;
        const lo = x + y | 0;
        words[ra + 1] = words[rb + 1]! + words[rc + 1]! + ((x & y | (x | y) & ~lo) >>> 31) | 0;
        words[ra] = lo;
        break;
      }
      case OP.subtract: {
        const x = words[rb]!;
        const y = words[rc]!;
        const lo = x - y | 0;
        words[ra + 1] = words[rb + 1]! - words[rc + 1]! - ((~x & y | (~x | y) & lo) >>> 31) | 0;
        words[ra] = lo;
        break;
      }
      case OP.multiply: multiply(words, ra, rb, rc); break;
      case OP.and: {
        const lo = words[rb]! & words[rc]!;
        words[ra + 1] = words[rb + 1]! & words[rc + 1]!;
        words[ra] = lo;
        break;
      }
      case OP.or: {
        const lo = words[rb]! | words[rc]!;
        words[ra + 1] = words[rb + 1]! | words[rc + 1]!;
        words[ra] = lo;
        break;
      }
      case OP.xor: {
        const lo = words[rb]! ^ words[rc]!;
        words[ra + 1] = words[rb + 1]! ^ words[rc + 1]!;
        words[ra] = lo;
        break;
      }
      case OP.shiftLeft: shiftLeft(words, ra, rb, rc); break;
      case OP.shiftRight: shiftRight(words, ra, rb, rc); break;
      case OP.equal: {
        const holds = words[rb] === words[rc] && words[rb + 1] === words[rc + 1] ? 1 : 0;
        words[ra] = holds;
        words[ra + 1] = 0;
        break;
      }
      case OP.notEqual: {
        const holds = words[rb] === words[rc] && words[rb + 1] === words[rc + 1] ? 0 : 1;
        words[ra] = holds;
        words[ra + 1] = 0;
        break;
      }
      case OP.less: {
        const bHi = words[rb + 1]! >>> 0;
        const cHi = words[rc + 1]! >>> 0;
        const holds = bHi < cHi || (bHi === cHi && words[rb]! >>> 0 < words[rc]! >>> 0) ? 1 : 0;
        words[ra] = holds;
        words[ra + 1] = 0;
        break;
      }
      case OP.lessOrEqual: {
        const bHi = words[rb + 1]! >>> 0;
        const cHi = words[rc + 1]! >>> 0;
        const holds = bHi < cHi || (bHi === cHi && words[rb]! >>> 0 <= words[rc]! >>> 0) ? 1 : 0;
        words[ra] = holds;
        words[ra + 1] = 0;
        break;
      }
      case OP.not: {
        const holds = (words[rb]! | words[rb + 1]!) === 0 ? 1 : 0;
        words[ra] = holds;
        words[ra + 1] = 0;
        break;
      }
      case OP.truth: {
        const holds = (words[rb]! | words[rb + 1]!) === 0 ? 0 : 1;
        words[ra] = holds;
        words[ra + 1] = 0;
        break;
      }
      case OP.complement:
        words[ra] = ~words[rb]!;
        words[ra + 1] = ~words[rb + 1]!;
        break;
      case OP.jump:
        if (a <= pc && units.warmUp(a)) most = 0;
        pc = a - length;
        break;
      case OP.jumpIf:
        if ((words[ra]! | words[ra + 1]!) !== 0) pc = b - length;
        break;
      case OP.jumpUnless:
        if ((words[ra]! | words[ra + 1]!) === 0) pc = b - length;
        break;
      case OP.globalGet:
        words[ra] = globals[b]!;
        words[ra + 1] = globals[b + 1]!;
        break;
      case OP.globalSet:
        globals[a] = words[rb]!;
        globals[a + 1] = words[rb + 1]!;
        break;
      case OP.tableGet:
        tables.get(b, words[rc]!, words[rc + 1]!);
        words[ra] = tables.valueLo;
        words[ra + 1] = tables.valueHi;
        break;
      case OP.load:
        status = processor.load(words[rb]!, words[rb + 1]!, entries[at + ENTRY.c]!);
        if (status === STATUS.done) {
          words[ra] = processor.valueLo;
          words[ra + 1] = processor.valueHi;
        }
        isAccess = true;
        break;
      case OP.store:
        status = processor.store(words[ra]!, words[ra + 1]!, entries[at + ENTRY.c]!, words[rb]!, words[rb + 1]!);
        isAccess = true;
        break;
      case OP.readModifyWrite: {
        const form = entries[at + ENTRY.c]!;
        status = processor.readModifyWrite(words[ra]!, words[ra + 1]!, form & 0xff, form >> 8, words[rb]!, words[rb + 1]!);
        isAccess = true;
        break;
      }
      default:
        break running;
    }
    pc += length;
    steps += length;
    if (!isAccess) continue;
    isAccess = false;
    accessStep = steps - 1;
    accessAt = pc - 1;
    if (status !== STATUS.done || (attention[0]! | stop[0]!) !== 0 || repeats.isCounting) {
      // The guest's handler may have to run: from here on others see where the program is.
      isForOthers = true;
      break;
    }
  }

  site.pc = pc;
  site.steps = steps;
  site.counted = counted;
  site.statement = statement;
  site.accessAt = accessAt;
  site.accessStep = accessStep;
  site.left = isForOthers ? status : LEFT.here;
}
