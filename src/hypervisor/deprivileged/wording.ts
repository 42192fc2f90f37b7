import type { ListingNode, ListingProcedure, ListingText } from '../listing';

/** What the procedures that it shares with hypervisors on VMX say, and what they do here. */
const phrases: readonly (readonly [there: string, here: string])[] = [
  ['kvm_flush_remote_tlbs(), INVVPID on every vCPU', 'kvm_flush_remote_tlbs(), INVPCID of all contexts on every vCPU'],
  ['INVVPID of one address: gva', 'INVPCID of one address: gva, in the PCIDs of both roots'],
  ['INVVPID', 'INVPCID of all contexts'],
  ['VM-entry interruption information', 'the event to reflect'],
  ['whose VM entry delivers the fault', 'in the handler that its own IDT names'],
  ['rights = W without U: the user faults, and gets the page back without W', 'rights = W: only the guest\'s kernel runs on this shadow'],
  ['SPTE of sp = hpa with rights', 'SPTE of sp = hpa with rights, and with U, for all of the guest runs at CPL 3'],
  ['with the rights of role and entry', 'with the rights of role and entry, and with U; the shadow of the guest\'s user mode has none of its kernel\'s'],
];

/** The procedures in this hypervisor's words. @throws Error where a phrase is none of theirs any more: it would go on to say what VMX does. */
export function inOwnWords(procedures: readonly ListingProcedure<never>[]): readonly ListingProcedure<never>[] {
  const unused = new Set<string>(phrases.map(([there]) => there));
  const said = (text: string): string => {
    const found = phrases.find(([there]) => text.includes(there));
    if (found === undefined) return text;
    unused.delete(found[0]);
    return text.replace(found[0], found[1]);
  };
  const reworded = (node: ListingNode<never>): ListingNode<never> => {
    const text = layers(node.text, said);
    return node.kind === 'when' || node.kind === 'repeat' ? { ...node, text, body: node.body.map(reworded) } : { ...node, text };
  };
  const made = procedures.map((procedure) => ({ ...procedure, purpose: said(procedure.purpose), body: procedure.body.map(reworded) }));
  for (const there of unused) throw new Error(`invariant: no procedure that deprivileged shares says "${there}" any more`);
  return made;
}

function layers(text: ListingText, said: (text: string) => string): ListingText {
  return typeof text === 'string' ? said(text) : { layered: said(text.layered), direct: said(text.direct) };
}
