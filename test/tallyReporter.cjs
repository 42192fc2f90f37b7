// Mocha's own output, and the tally into the file that PAGEWALK_TALLY names (see tally.ts). Plain CommonJS, because
// mocha loads reporters before anything that understands TypeScript, in Node and in VS Code's extension host alike.
'use strict';

const fs = require('node:fs');
const { reporters, Runner } = require('mocha');

module.exports = class TallyReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const { EVENT_RUN_END } = Runner.constants;
    runner.once(EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      const file = process.env.PAGEWALK_TALLY;
      // A test that is skipped has not passed.
      if (file) fs.writeFileSync(file, JSON.stringify({ passed: passes, failed: failures + pending }));
    });
  }
};
