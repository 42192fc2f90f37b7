/** `npm run test:equivalence`: bundles and runs `main.ts` with the arguments given here. */
import { runBundled } from './bundledRun';

void runBundled(process.argv.slice(2), (chunk) => { process.stdout.write(chunk); }).then(({ status }) => { process.exitCode = status; });
