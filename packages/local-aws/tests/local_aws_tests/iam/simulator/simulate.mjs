// Reads a JSON list of simulations on stdin, writes the list of what @cloud-copilot/iam-simulate says of each, all in one process.
import { text } from 'node:stream/consumers';
import { runSimulation } from '@cloud-copilot/iam-simulate';

const verdict = async simulation => {
  const found = await runSimulation(simulation, { simulationMode: 'Strict' });
  if (found.resultType === 'error') return { result: 'Refused', errors: JSON.stringify(found.errors), ignored: [] };
  const results = found.results ?? [found.result];
  return { result: found.overallResult, errors: '', ignored: results.flatMap(each => each.ignoredContextKeys ?? []) };
};

const verdicts = [];
for (const simulation of JSON.parse(await text(process.stdin))) verdicts.push(await verdict(simulation));
process.stdout.write(JSON.stringify(verdicts));
