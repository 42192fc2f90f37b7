import { BROADCAST, type InterruptCommand, SHORTHAND } from './interruptCommand';
import type { LocalApic } from './localApic';

/** What carries IPIs between the processors of one machine: nothing is on its way, since an IPI arrives as it is sent. */
export class Interconnect {
  /** By APIC ID, the order in which an IPI to several arrives. */
  private readonly members: LocalApic[] = [];

  attach(apic: LocalApic): void {
    this.members.push(apic);
    this.members.sort((a, b) => a.id - b.id);
  }

  /** Sends from `sender`; `told` hears of each arrival, by the number of the processor. A destination that nobody has gets nothing. */
  send(sender: LocalApic, command: InterruptCommand, told: (target: number) => void): void {
    for (const member of this.members) {
      if (!isMeant(sender, member, command)) continue;
      member.accept(command.mode, command.vector);
      told(member.cpu);
    }
  }
}

/** SDM Vol. 3, "Determining IPI Destination". */
function isMeant(sender: LocalApic, member: LocalApic, command: InterruptCommand): boolean {
  const { shorthand, destination } = command;
  if (shorthand === SHORTHAND.self) return member === sender;
  if (shorthand === SHORTHAND.all) return true;
  if (shorthand === SHORTHAND.allButSelf) return member !== sender;
  if (destination === BROADCAST) return true;
  if (command.destinationMode === 'physical') return member.id === destination;
  const sameCluster = member.logicalId >>> 16 === destination >>> 16;
  return sameCluster && (member.logicalId & destination & 0xffff) !== 0;
}
