import { compileScenario } from '../../src/language/compile';
import { compileExpression } from '../../src/language/expression';
import { disassemble } from '../../src/language/disassemble';
import { readFileSync } from 'node:fs';
const names = ['native','interpret','deprivileged','shadow-rebuild','shadow-vtlb','shadow-wp','shadow-unsync','ept','npt','nested'];
const catalog = { techniques: [], techniqueNames: names, settings: [{name:'mmu',section:'machine' as const,form:'',documentation:'',check:()=>undefined},{name:'ram',section:'machine' as const,form:'',documentation:'',check:()=>undefined}] };
const text = readFileSync(process.argv[2]!, 'utf8');
const r = compileScenario({ path: 'x.guest', text, readImport: () => undefined, catalog });
for (const d of r.diagnostics) console.log(`${d.path}:${d.range.line+1}:${d.range.column+1}-${d.range.endColumn+1} ${d.severity} ${d.message}`);
if (r.program) { const p = r.program; console.log(disassemble(p, 0, p.procedures[0]!.end)); console.log(p.procedures.map(x=>x.name+':'+x.registers+':'+x.entry+'-'+x.end).join(' '));
 if (process.argv[3]) for (const e of process.argv.slice(3)) { const f = compileExpression({program:r.program,symbols:r.symbols!}, e, {procedure:0}); console.log(e, 'error' in f ? f.error : disassemble(f.fragment as any)); } }
