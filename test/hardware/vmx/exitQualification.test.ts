import { strict as assert } from 'node:assert';
import {
  crAccessQualification, decodeQualification, describeQualification, eptViolationFields, EPT_QUALIFICATION, ioQualification,
  modificationLogFullFields, type QualificationField,
} from '../../../src/hardware/vmx/exitQualification';

/** The manual's tables of the exit qualification, SDM Vol. 3, "Basic VM-Exit Information": what is written at each bit from this one on. */
const tables: readonly { readonly of: string; readonly fields: readonly QualificationField[]; readonly at: Readonly<Record<number, string>> }[] = [
  {
    of: 'EPT violations', fields: eptViolationFields,
    at: {
      0: 'data read', 1: 'data write', 2: 'instruction fetch', 3: 'readable', 4: 'writable', 5: 'executable',
      6: 'executable by user-mode addresses', 7: 'guest-linear address valid', 8: 'translation result', 9: 'user-mode linear address',
      10: 'read/write page', 11: 'execute-disable page', 12: 'NMI unblocking due to IRET',
    },
  },
  { of: 'page-modification log-full events', fields: modificationLogFullFields, at: { 12: 'NMI unblocking due to IRET' } },
];

describe('an exit qualification', () => {
  for (const { of, fields, at } of tables) {
    it(`for ${of} has a name at each bit that the manual gives a meaning, and at no other`, () => {
      for (let bit = 0; bit < 32; bit++) assert.equal(describeQualification(fields, 1 << bit), at[bit] ?? '', `bit ${bit}`);
    });
  }

  it('for EPT violations is made with the bits that it is read with', () => {
    for (const { key, name } of eptViolationFields) assert.equal(describeQualification(eptViolationFields, EPT_QUALIFICATION[key]), name);
  });

  it('for control-register accesses has a field of two bits between two of four', () => {
    for (let value = 0; value < 16; value++) {
      const fields = decodeQualification(crAccessQualification, value | (value << 8) | 0x7fff_f0c0);
      assert.deepEqual([fields.get('control register'), fields.get('general-purpose register'), fields.get('access type')], [value, value, 0]);
      assert.equal(decodeQualification(crAccessQualification, value << 4).get('access type'), value & 3);
    }
  });

  it('for I/O instructions has size, direction and port at the ends', () => {
    const text = (lo: number): string => describeQualification(ioQualification, lo);
    for (const [bit, name] of [[3, 'IN'], [4, 'string instruction'], [5, 'REP prefixed'], [6, 'immediate operand']] as const) {
      assert.equal(text(1 << bit), `1 byte, ${name}, port 0`);
    }
    assert.equal(text(4), 'size less 1 4, port 0', 'which no instruction has');
    assert.equal(text(0xcf8_0008), '1 byte, IN, port 3320');
    assert.equal(text(0x3f8_0001), '2 bytes, port 1016');
    assert.equal(text(0xffff_0073), '4 bytes, string instruction, REP prefixed, immediate operand, port 65535');
  });
});
