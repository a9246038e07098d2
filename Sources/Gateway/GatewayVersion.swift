/// The product's version, by semantic versioning.
public let gatewayVersion = "0.1.0"
