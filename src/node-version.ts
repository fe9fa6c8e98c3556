/** The minimum version, as in `engines` of package.json. It has node:sqlite without a flag. */
const NEEDED = { major: 22, minor: 13 };

/** One sentence that says why the program `name` cannot run on this Node.js. Undefined if it can. */
export function nodeVersionProblem(version: string, name = 'latchkey'): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < NEEDED.major || (major === NEEDED.major && minor < NEEDED.minor);
  return isOld
    ? `${name} needs Node.js ${NEEDED.major}.${NEEDED.minor} or later; this is v${version}: upgrade Node.js.`
    : undefined;
}
