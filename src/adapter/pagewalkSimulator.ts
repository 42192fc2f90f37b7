import { catalog } from '../engine/settings/catalog';
import { refusalText } from '../engine/settings/configuration';
import { causesOfCycles } from '../engine/costs/costModel';
import { launch } from '../engine/time/launch';
import type { Timeline } from '../engine/time/timeline';
import { vmReport } from '../engine/run/vmReport';
import type { Listing } from '../hypervisor/listing';
import { addressWalk } from '../inspect/addressWalk';
import { linesOver } from '../inspect/cachedLineRows';
import { TableChanges } from '../inspect/changes';
import { decodedNumber } from '../inspect/decodedNumber';
import { eventStory } from '../inspect/eventStory';
import { controlBlockKind } from '../inspect/hypervisorRows';
import { machineScopes } from '../inspect/machineScopes';
import { microSteps } from '../inspect/microSteps';
import { mappers } from '../inspect/mappers';
import { guestAddress, hostAddress, readMemory } from '../inspect/memory';
import { configurationRows } from '../inspect/settingRows';
import { tableCounts } from '../inspect/tableCounts';
import { tables } from '../inspect/tables';
import { tablesAt } from '../inspect/tablesAt';
import { translation } from '../inspect/translation';
import { walkPicture } from '../inspect/walkPicture';
import { compileScenario } from '../language/compile';
import { expressionCompletions } from '../language/editor/completion';
import type { EditedScenario } from '../language/editor/editedScenario';
import { editTarget } from '../language/editTarget';
import { compileExpression, type Site } from '../language/expression';
import type { Inspector, Simulator } from './simulator';

/** The floors below as one thing: what every session outside of tests runs on. */
export const simulator: Simulator = {
  compile: (path, text, readImport) => {
    const { program, symbols, diagnostics, files: [main, ...others] } = compileScenario({ path, text, readImport, catalog });
    if (program === undefined || symbols === undefined || main === undefined) return { diagnostics };
    const edited: EditedScenario = { files: [main, ...others], diagnostics, program, catalog };
    const scenario = {
      program,
      completions: (expression: string) => expressionCompletions(edited, expression),
      compileExpression: (expression: string, site: Site) => compileExpression({ program, symbols }, expression, site),
      editTarget: (expression: string, site: Site) => editTarget({ program, symbols }, expression, site),
    };
    return { scenario, diagnostics };
  },

  launch: (scenario, mmu) => {
    const started = launch(scenario.program, mmu);
    if ('error' in started) return { error: sentence(refusalText(started)) };
    return { debuggee: started.timeline, inspector: inspectorOf(started.timeline) };
  },
};

function inspectorOf(timeline: Timeline): Inspector {
  const changes = new TableChanges();
  const listing = (name: string): Listing | undefined =>
    timeline.machine.listings.find((each) => each.name === name);
  return {
    noteStop: () => { changes.noteStop(timeline.moment()); },
    noteEdit: () => { changes.noteEdit(); },
    readMemory: (cpu, space, address, count) => readMemory(timeline, cpu, space, address, count),
    hostAddress: (cpu, space, address) => hostAddress(timeline, cpu, space, address),
    guestAddress: (cpu, space, address) => guestAddress(timeline, cpu, space, address),
    runningLines: (name) => (listing(name)?.lines ?? []).flatMap(({ runs }, index) => (runs ? [index + 1] : [])),
    listedValues: (name, line) => {
      const shown = listing(name);
      const procedure = shown?.procedures[shown.lines[line - 1]?.procedure ?? -1];
      return (procedure?.values ?? []).map((value) => ({ name: value.name, type: value.kind }));
    },
    entriesAt: (space, address, length, vm) => tablesAt(timeline, space, address, length, vm),
    actorOn: (cpu) => {
      const { actor, machine: { nesting } } = timeline;
      // Inside an exit that L1 is to see the processor is L1's already, and the step still L2's.
      return nesting.outerOf(actor) === cpu ? actor : nesting.runningOn(cpu);
    },
    actingCpu: () => timeline.machine.processors[timeline.actor]?.cpu ?? -1,
    controlBlock: (actor) => controlBlockKind(timeline.machine, actor),
    tables: (args) => tables(timeline, args, changes),
    walk: (args) => walkPicture(timeline, args),
    translation: (cpu, gva) => translation(timeline, cpu, gva),
    story: (event, actor) => eventStory(timeline, event, actor),
    microSteps: (thread) => microSteps(timeline, timeline.statementSteps(thread)),
    walkFor: (asked) => addressWalk(timeline, asked),
    mappers: (space, address, vm) => mappers(timeline, space, address, vm === '' ? undefined : vm),
    tableCounts: (space) => tableCounts(timeline, space),
    cachedLines: (cpu, gva) => linesOver(timeline.machine.processors[cpu]!, Number(BigInt.asIntN(32, gva)), Number(BigInt.asIntN(32, gva >> 32n))),
    decoded: (cpu, value, name) => decodedNumber(timeline, cpu, value, name),
    settings: () => configurationRows(timeline.machine.configuration),
    machineScopes: (actor) => machineScopes(timeline, actor),
    costs: (cpu) => {
      const { machine } = timeline;
      const { costs } = machine.configuration;
      return causesOfCycles(costs, vmReport(machine.questions, machine.vmOf(cpu), costs).counters);
    },
  };
}

/** The engine's reasons are clauses: a client shows them alone. */
function sentence(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${reason.endsWith('.') ? '' : '.'}`;
}
