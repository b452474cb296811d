"""STOMP for trio, a thin adapter over stomp_sansio."""
