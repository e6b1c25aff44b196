/** Settings of a run, for every section of the benchmark. */
export interface Settings {
  /** Folder of the compiled code, with the layout of the sources. */
  compiled: string;
  /** Number of rounds. The rounds of compared values alternate. */
  rounds: number;
  /** Whether to measure only one round, and only a part of each axis. */
  quick: boolean;
  /** Whether to measure figures that take minutes as well. */
  long: boolean;
  /** Folder for the CPU profiles of measured servers; undefined for none. Profiling makes a server slower. */
  profile: string | undefined;
  /** Whether to measure the figure with this id, or any figure whose id begins with it. */
  wants: (id: string) => boolean;
  /** Prints the progress. */
  progress: (line: string) => void;
  /** Records that a figure was not measured, and why. */
  skip: (id: string, why: string) => void;
}
