/** What every section of the benchmark is told. */
export interface Settings {
  /** Folder of what is compiled, laid out as the source is. */
  compiled: string;
  /** How often everything is measured. The rounds of what is compared alternate. */
  rounds: number;
  /** One round, and of each axis only a part. */
  quick: boolean;
  /** Also what takes minutes. */
  long: boolean;
  /** Folder for the processor profiles of measured servers; undefined makes none. A profile makes what it watches slower. */
  profile: string | undefined;
  /** Whether a figure, or the figures whose ids begin so, is to be measured. */
  wants: (id: string) => boolean;
  /** Says what is being measured, for whoever waits. */
  say: (line: string) => void;
  /** Notes what was not measured, and why. */
  skip: (id: string, why: string) => void;
}
