import { PolledFile } from '../adapters/files/polled-file.ts';
import { readCountries } from '../adapters/geo/country-database.ts';
import { parseRiskTable } from '../config/risk-table.ts';
import type { VariableName } from '../config/variables.ts';
import type { AuditTrail } from '../core/audit/audit-trail.ts';
import type { SecurityEvents } from '../core/audit/security-event.ts';
import { RiskAssessor } from '../core/risk/risk-assessor.ts';
import type { CountryOf } from '../core/risk/risk-signals.ts';
import { SignInHistory } from '../core/risk/sign-in-history.ts';
import type { SessionEnder } from '../core/session/session-ender.ts';
import type { SessionStore } from '../core/session/session-store.ts';
import { isPublicAddress, networkOf } from '../grpc/peer-address.ts';
import { limitedWarnings } from '../telemetry/limited-warnings.ts';
import type { LogFields } from '../telemetry/logger.ts';
import type { AppContext } from './app-context.ts';
import { startupStep } from './startup-error.ts';

export interface RiskParts {
  readonly trail: AuditTrail;
  readonly store: SessionStore;
  readonly ender: SessionEnder;
  readonly events: SecurityEvents;
}

const RULES_INTERVAL_MS = 1_000;
/** A database of countries has some megabytes and changes a few times a week. */
const COUNTRIES_INTERVAL_MS = 10_000;
/** The networks that are compared: larger than what a provider assigns to one customer. */
const NETWORK_BITS = { ipv4: 24, ipv6: 48 } as const;

/** Opens the files of the risk assessment. Rejects with `StartupError` if one of them cannot be used. */
export async function openRisk(context: AppContext, parts: RiskParts): Promise<RiskAssessor> {
  const { config, clock } = context;
  const { rulesFile, geoFile } = config.risk;
  const countries = await openPolled(context, {
    variable: 'LATCHKEY_GEO_FILE',
    file: geoFile,
    intervalMs: COUNTRIES_INTERVAL_MS,
    parse: readCountries,
    factsOf: () => ({}),
    remedy: 'Set it to a MaxMind database of countries or cities, for example GeoLite2-Country.mmdb.',
  });
  const limits = { minLifetimeMs: config.accessTokenTtlMs, hasCountries: countries !== undefined };
  const rules = await openPolled(context, {
    variable: 'LATCHKEY_RISK_RULES_FILE',
    file: rulesFile,
    intervalMs: RULES_INTERVAL_MS,
    parse: (bytes) => parseRiskTable(bytes.toString('utf8'), limits),
    factsOf: ({ mode, rules }) => ({ mode, rules: rules.length }),
    remedy: 'See docs/operations.md for the form of the rules.',
  });
  const countryOf: CountryOf = (address) => countries?.content(address);
  return new RiskAssessor({
    ...parts,
    clock,
    history: new SignInHistory({ ...parts, clock }),
    table: () => rules?.content,
    places: { networkOf: comparedNetwork, countryOf },
  });
}

interface FileToPoll<Content> {
  readonly variable: VariableName;
  /** Undefined: the variable is not set. */
  readonly file: string | undefined;
  readonly intervalMs: number;
  readonly parse: (bytes: Buffer) => Content;
  /** What the log says about the content. */
  readonly factsOf: (content: Content) => LogFields;
  readonly remedy: string;
}

async function openPolled<Content>(
  { clock, logger, closers }: AppContext,
  { variable, file, intervalMs, parse, factsOf, remedy }: FileToPoll<Content>,
): Promise<PolledFile<Content> | undefined> {
  if (file === undefined) return undefined;
  const log = limitedWarnings(logger, clock);
  const inUse = (content: Content) =>
    logger.info({ file, ...factsOf(content) }, `${variable}: the file was read and is in use`);
  const open = async () => {
    const polled = await PolledFile.open({
      file,
      intervalMs,
      parse,
      onChange: inUse,
      onProblem: (error) =>
        log.warn(
          { file, err: error },
          `${variable}: the changed file cannot be used; the previous one stays in use`,
        ),
    });
    closers.add(() => polled.close());
    inUse(polled.content);
    return polled;
  };
  return startupStep(variable, open, (reason) => `${file} cannot be used: ${reason}. ${remedy}`);
}

function comparedNetwork(address: string): string | undefined {
  return isPublicAddress(address) ? networkOf(address, NETWORK_BITS) : undefined;
}
