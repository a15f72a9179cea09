"""The operations of an HSM, by what they are about; `SoftHsm` has them all."""
