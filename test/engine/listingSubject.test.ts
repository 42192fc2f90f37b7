import { strict as assert } from 'node:assert';
import { KIND, RECORD_WORDS, VALUES_AT, field } from '../../src/hardware/events/eventTable';
import { EXIT_REASON } from '../../src/hardware/vmx/exitReasons';
import { listingSubject } from '../../src/engine/time/listingSubject';
import type { ValueKind } from '../../src/hypervisor/listing';

type Parameter = readonly [name: string, kind: ValueKind, value: bigint];

function called(...parameters: readonly Parameter[]): string {
  const call = new Int32Array(RECORD_WORDS);
  call[0] = KIND.listing_call;
  parameters.forEach(([, , value], i) => { put(call, VALUES_AT + 2 * i, value); });
  // What a procedure computes later stands behind its parameters.
  const values = [...parameters.map(([name, kind]) => ({ name, kind })), { name: 'slot', kind: 'number' as const }];
  return listingSubject({ name: 'procedure', values, parameters: parameters.length }, call, undefined);
}

function exited(reason: number, { qualification = 0n, gva = 0n, gpa = 0n, vector = 0, code = 0 }): string {
  const exit = new Int32Array(RECORD_WORDS);
  exit[0] = KIND.vm_exit;
  exit[field.reason.at] = reason;
  put(exit, field.qualification.at, qualification);
  put(exit, field.gva.at, gva);
  put(exit, field.gpa.at, gpa);
  exit[field.vector.at] = vector;
  exit[field.code.at] = code;
  return listingSubject({ name: 'handle_exit', values: [], parameters: 0 }, new Int32Array(RECORD_WORDS), exit);
}

function put(record: Int32Array, at: number, value: bigint): void {
  record[at] = Number(BigInt.asIntN(32, value));
  record[at + 1] = Number(BigInt.asIntN(32, value >> 32n));
}

const FINAL = 1n << 32n;
const TABLE = 1n << 33n;

describe('what a listing\'s frame is about', () => {
  const calls: readonly (readonly [says: string, parameters: readonly Parameter[]])[] = [
    ['', []],
    ['(gpa:0x3000, write)', [['gpa', 'gpa', 0x3000n], ['qualification', 'number', 0x182n]]],
    ['(gpa:0x104000, read and write in the guest\'s tables)', [['gpa', 'gpa', 0x104000n], ['qualification', 'number', 0x83n]]],
    ['(gpa:0x5000, fetch)', [['gpa', 'gpa', 0x5000n], ['error_code', 'number', FINAL | 0x14n]]],
    ['(gpa:0x5000, write in the guest\'s tables)', [['gpa', 'gpa', 0x5000n], ['error_code', 'number', TABLE | 0x6n]]],
    ['(gva:0xffff888000104000, write)', [['gva', 'gva', 0xffff_8880_0010_4000n], ['error_code', 'number', 3n]]],
    ['(gva:0x600000, user read)', [['gva', 'gva', 0x600000n], ['error_code', 'number', 5n]]],
    ['(vector 0xd, error code 0x6)', [['vector', 'number', 13n], ['error_code', 'number', 6n]]],
    ['(hva:0x7f0000003000, write)', [['hva', 'hva', 0x7f00_0000_3000n], ['write', 'number', 1n]]],
    ['(hva:0x7f0000003000, read)', [['hva', 'hva', 0x7f00_0000_3000n], ['write', 'number', 0n]]],
    ['(l2_gpa gpa:0x3000, gfn 0x4, hpa:0x9000)', [['l2_gpa', 'gpa', 0x3000n], ['gfn', 'number', 4n], ['hpa', 'hpa', 0x9000n]]],
  ];
  for (const [says, parameters] of calls) {
    it(`by its parameters: ${says === '' ? 'nothing without any' : says}`, () => { assert.equal(called(...parameters), says); });
  }

  const exits: readonly (readonly [says: string, reason: number, about: Parameters<typeof exited>[1]])[] = [
    ['EPT violation at gpa:0x3000, write', EXIT_REASON.ept_violation, { gpa: 0x3000n, qualification: 0x182n }],
    ['EPT violation at gpa:0x100000, read in the guest\'s tables', EXIT_REASON.ept_violation, { gpa: 0x100000n, qualification: 0x81n }],
    // Without a linear address nothing is said of what the access was for.
    ['EPT violation at gpa:0x7000, read', EXIT_REASON.ept_violation, { gpa: 0x7000n, qualification: 1n }],
    ['EPT misconfiguration at gpa:0xfee00000', EXIT_REASON.ept_misconfiguration, { gpa: 0xfee0_0000n }],
    ['Nested page fault at gpa:0x3000, write', EXIT_REASON.npf, { gpa: 0x3000n, qualification: FINAL | 6n }],
    ['page_fault(write, user) at gva:0x600000', EXIT_REASON.exception_nmi, { gva: 0x600000n, vector: 14, code: 6 }],
    ['general_protection(0x10)', EXIT_REASON.exception_nmi, { vector: 13, code: 0x10 }],
    ['MOV to CR3', EXIT_REASON.cr_access, { qualification: 3n }],
    ['MOV from CR3', EXIT_REASON.cr_access, { qualification: 0x13n }],
    ['CLTS', EXIT_REASON.cr_access, { qualification: 0x20n }],
    ['INVLPG of gva:0x601000', EXIT_REASON.invlpg, { gva: 0x601000n }],
    ['CPUID', EXIT_REASON.cpuid, { gva: 0x1234n }],
  ];
  for (const [says, reason, about] of exits) {
    it(`by the VM exit that it begins with: ${says}`, () => { assert.equal(exited(reason, about), ` — ${says}`); });
  }
});
