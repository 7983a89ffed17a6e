/** Directory with the jars of the version that pom.xml names; downloaded once. */
export function prepareKafka(): string;
