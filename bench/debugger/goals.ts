/** A quantity of a measurement, `MEASUREMENT.NAME`: a ratio when it is divided by another. */
export interface DebuggerGoal {
  readonly title: string;
  readonly of: string;
  readonly by?: string;
  readonly atMost: number;
  readonly unit: string;
}

/** Issue by issue the order of the page: steps, history, looking, pausing. */
export const goals: readonly DebuggerGoal[] = [
  { title: 'full step / empty mock adapter, stdio', of: 'step-stdio.us', by: 'mock-stdio.us', atMost: 1.5, unit: '' },
  { title: 'full step / empty mock adapter, inline', of: 'step-inline.us', by: 'mock-inline.us', atMost: 3, unit: '' },
  { title: 'running with history / without, local stores', of: 'local.with', by: 'local.without', atMost: 1.3, unit: '' },
  { title: 'running with history / without, scattered stores', of: 'scattered.with', by: 'scattered.without', atMost: 1.5, unit: '' },
  { title: 'running past an armed line breakpoint / with none', of: 'armed-line.run', by: 'unarmed.run', atMost: 1.3, unit: '' },
  { title: 'running with an armed filter of events / with none', of: 'armed-event.run', by: 'unarmed.run', atMost: 2, unit: '' },
  { title: 'running with an armed data breakpoint / with none', of: 'armed-data.run', by: 'unarmed.run', atMost: 2, unit: '' },
  { title: 'reverse continue past an armed line breakpoint / running with none', of: 'armed-line.back', by: 'unarmed.run', atMost: 2, unit: '' },
  { title: 'history, local stores, 10 million statements', of: 'local.bytes-a-statement', atMost: 1, unit: ' bytes a statement' },
  { title: 'history, scattered stores, 10 million statements', of: 'scattered.bytes-a-statement', atMost: 16, unit: ' bytes a statement' },
  { title: 'history of 100 million statements, local stores', of: 'local-100M.MiB', atMost: 256, unit: ' MiB' },
  { title: 'history of 100 million statements, scattered stores', of: 'scattered-100M.MiB', atMost: 256, unit: ' MiB' },
  { title: 'one step back / executing again from the start, local stores', of: 'back-local.back-ms', by: 'local.again-ms', atMost: 1 / 100, unit: '' },
  { title: 'one step back / executing again from the start, scattered stores', of: 'back-scattered.back-ms', by: 'scattered.again-ms', atMost: 1 / 30, unit: '' },
  { title: 'one step back, local stores, 99th percentile', of: 'back-local.back-ms.p99', atMost: 50, unit: ' ms' },
  { title: 'one step back, scattered stores, 99th percentile', of: 'back-scattered.back-ms.p99', atMost: 50, unit: ' ms' },
  { title: 'one step back, shadow tables rebuilt at each switch, 99th percentile', of: 'back-rebuilding.back-ms.p99', atMost: 50, unit: ' ms' },
  { title: 'variables, 100 rows, a million pages mapped, 99th percentile', of: 'million.variables-ms.p99', atMost: 5, unit: ' ms' },
  { title: 'trees of three spaces after a step, 99th percentile', of: 'million.refresh-ms.p99', atMost: 50, unit: ' ms' },
  { title: 'pause to stopped, 99th percentile', of: 'pause.pause-ms.p99', atMost: 50, unit: ' ms' },
];
