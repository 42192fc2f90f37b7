import { strict as assert } from 'node:assert';
import { ACTOR, eventKinds, field, KIND, RECORD_WORDS, VALUES_AT } from '../../../src/hardware/events/eventTable';
import { EventBus } from '../../../src/hardware/events/eventBus';
import { eventLine } from '../../../src/hardware/events/eventText';
import { EXIT_REASON, exitReasonOf, exitReasons } from '../../../src/hardware/vmx/exitReasons';
import { counterNames, EXIT_COUNTERS_AT, COUNTERS } from '../../../src/hardware/state/counters';
import {
  CR_ACCESS, crAccessQualification, decodeQualification, describeQualification, encodeCrAccess, encodeIoAccess, eptViolationFields, ioQualification,
} from '../../../src/hardware/vmx/exitQualification';
import { P, TestMachine } from '../testMachine';

describe('an event, rendered', () => {
  let machine: TestMachine;
  const line = (kind: string, nth = 0): string => eventLine(machine.events.filter((event) => event.kind === kind)[nth]!.record);

  beforeEach(() => {
    machine = new TestMachine();
    machine.map(0x60_0000n, 0x9000n, P);
    machine.enterWithEpt();
    machine.listen();
    machine.load(0x60_0008n);
  });

  it('is one line that names access, table, level, space and address', () => {
    assert.equal(line('access'), 'load of 8 bytes at gva:0x600008');
    assert.equal(line('walk'), 'walk of the guest tables from 0x100000');
    assert.equal(line('walk', 1), 'walk of the EPT tables from 0x800000');
    assert.match(line('table_read'), /^EPT PML4E at hpa:0x800000 is 0x/);
    assert.equal(line('walk_done', 4), 'walk of the EPT tables ends: mapped');
    assert.equal(line('access_done'), 'load at gva:0x600008 completes at hpa:0x9008');
  });

  it('counts one byte in the singular', () => {
    const record = machine.events.find((event) => event.kind === 'access')!.record.slice();
    record[field.size.at] = 1;
    assert.equal(eventLine(record), 'load of 1 byte at gva:0x600008');
  });

  it('has as JSON its kind\'s fields, addresses in hex and names where the manuals have them', () => {
    const json = machine.events.find((event) => event.kind === 'table_read')!.json;
    assert.deepEqual(json, {
      cpu: 0, actor: 'walker', kind: 'table_read', space: 'ept', level: 4, entry: 'EPT PML4E', index: 0, address: '0x800000',
      hpa: '0x800000', value: json['value'], gva: '0x600008', gpa: '0x100000', guestLevel: 4,
    });
  });

  it('of an exit carries the reason by key, and the addresses it reports', () => {
    machine.listen();
    machine.map(0x60_1000n, 0x1_4000_0000n, P);
    machine.load(0x60_1000n);
    const violation = machine.events.find((event) => event.kind === 'ept_violation')!;
    assert.equal(violation.json['reason'], 'ept_violation');
    assert.equal(violation.json['gpa'], '0x140000000');
    assert.equal(line('vm_exit'), 'VM exit: EPT violation');
    assert.ok(machine.kinds().indexOf('ept_violation') < machine.kinds().indexOf('vm_exit'));
  });
});

describe('the event table', () => {
  it('lets no two fields share a word, nor reach the listing values', () => {
    const taken = new Set<number>();
    for (const [name, { at, words }] of Object.entries(field)) {
      for (let word = at; word < at + words; word++) {
        assert.ok(!taken.has(word) && word > 2 && word < VALUES_AT && word < RECORD_WORDS, name);
        taken.add(word);
      }
    }
  });

  it('prints in each kind\'s text only fields of the kind', () => {
    for (const kind of eventKinds) {
      for (const [, name] of kind.text.matchAll(/\{(\w+)\}/g)) {
        assert.ok((kind.fields as readonly string[]).includes(name ?? ''), `${kind.name}: ${name}`);
      }
    }
  });

  it('sends a kind only to a listener that wants it, and clears the record between events', () => {
    const bus = new EventBus();
    const seen: number[] = [];
    bus.listen((record) => seen.push(record[field.code.at]!), [KIND.access]);
    assert.deepEqual([bus.on[KIND.access], bus.on[KIND.walk]], [1, 0]);
    bus.begin(KIND.access, ACTOR.guest, 0)[field.code.at] = 7;
    bus.commit();
    bus.begin(KIND.access, ACTOR.guest, 0);
    bus.commit();
    bus.silence();
    assert.deepEqual([seen, bus.on[KIND.access]], [[7, 0], 0]);
  });
});

describe('exit reasons and qualifications', () => {
  it('have one row a number and a key, and a counter each', () => {
    assert.equal(new Set(exitReasons.map((row) => row.number)).size, exitReasons.length);
    assert.equal(new Set(exitReasons.map((row) => row.key)).size, exitReasons.length);
    assert.ok(exitReasons.every((row) => EXIT_COUNTERS_AT + row.number < COUNTERS));
    assert.deepEqual(counterNames.slice(EXIT_COUNTERS_AT), []);
    assert.deepEqual([EXIT_REASON.cr_access, EXIT_REASON.ept_violation, exitReasonOf(12)?.key, exitReasonOf(5)], [28, 48, 'hlt', undefined]);
  });

  it('read as a person says them', () => {
    assert.equal(describeQualification(eptViolationFields, 0x182), 'data write, guest-linear address valid, translation result');
    assert.equal(describeQualification(crAccessQualification, 0x13), 'CR3, MOV from CR, RAX');
    assert.equal(describeQualification(crAccessQualification, 0xf08), 'CR8, MOV to CR, general-purpose register 15');
    assert.equal(decodeQualification(crAccessQualification, 0x304).get('general-purpose register'), 3);
    assert.equal(describeQualification(crAccessQualification, encodeCrAccess(4, CR_ACCESS.movFrom)), 'CR4, MOV from CR, RAX');
    assert.equal(describeQualification(ioQualification, encodeIoAccess(0x3f8, 2, 'in')), '2 bytes, IN, port 1016');
    assert.equal(describeQualification(ioQualification, encodeIoAccess(0x80, 4, 'out')), '4 bytes, port 128');
  });
});
